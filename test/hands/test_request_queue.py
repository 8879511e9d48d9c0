"""One request at a time: urgent ones first, then a cycle; one without a reply is given up."""

from myoprosthesis.hands.request_queue import REPLY_CALLS, RequestQueue

CYCLE = (b"a", b"b", b"c")


def taken(queue, n):
    """The requests of `n` calls, each answered at once."""
    out = []
    for _ in range(n):
        out.append(queue.next(CYCLE))
        queue.on_reply()
    return out


def test_a_cycle_goes_round_when_every_request_is_answered():
    requests = taken(RequestQueue(), 6)
    assert requests[:3] == requests[3:] and sorted(requests[:3]) == list(CYCLE)


def test_nothing_is_sent_until_the_reply_or_until_it_is_given_up():
    queue = RequestQueue()
    sent = [queue.next(CYCLE) for _ in range(2 * REPLY_CALLS)]
    assert [bool(request) for request in sent] == ([True] + [False] * (REPLY_CALLS - 1)) * 2
    assert sent[0] != sent[REPLY_CALLS]


def test_urgent_requests_come_first_and_once():
    queue = RequestQueue()
    taken(queue, 1)
    queue.put_first(b"x", b"y")
    requests = taken(queue, 5)
    assert requests[:2] == [b"x", b"y"] and set(requests[2:]) == set(CYCLE)
