"""Words of tasks, new and old."""

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build
from myoprosthesis.decoders.models import Lda, LdaOptions, Mlp, MlpOptions
from myoprosthesis.decoders.options import TASKS, DecoderOptions, task_of, word_of


@pytest.mark.parametrize(
    ("old", "new"), [("classes", "classification"), ("switches", "multilabel"), ("values", "regression")]
)
def test_old_words_are_read_from_contracts_and_files(old, new):
    assert build(DecoderOptions, {"task": old}) == build(DecoderOptions, {"task": new})
    assert task_of(old) == task_of(new) == build(DecoderOptions, {"task": old}).task == new


def test_another_word_is_refused():
    with pytest.raises(ConfigError, match="unknown task 'regresion'.*did you mean 'regression'"):
        build(DecoderOptions, {"task": "regresion"})


def test_a_model_kind_is_asked_in_its_own_word():
    assert word_of("regression", ("classes", "values")) == "values"
    assert [word_of(t, TASKS) for t in TASKS] == list(TASKS) and word_of("multilabel", ("classes",)) == ""


def test_models_fit_the_same_by_either_word():
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(60, 4)), rng.integers(0, 2, (60, 2))
    for model, old, new in (
        (Lda(LdaOptions()), "switches", "multilabel"),
        (Mlp(MlpOptions(epochs=5)), "values", "regression"),
    ):
        assert np.array_equal(model.fit(z, y, old)(z), model.fit(z, y, new)(z))
