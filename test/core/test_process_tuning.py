"""What a node is made of is left out of garbage collection, and finding out what that is takes no time."""

import gc

from myoprosthesis.core.process_tuning import freeze_gc


def test_objects_are_left_out_of_collection_without_a_pass_over_them():
    passes = []
    gc.callbacks.append(lambda phase, info: passes.append(phase))
    try:
        freeze_gc()
        assert gc.get_freeze_count() > 1000 and not passes
    finally:
        gc.callbacks.pop()
        gc.unfreeze()
