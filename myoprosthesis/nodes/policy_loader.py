"""Loading of policies while another runs: by worker threads, then handed to the loop; the newest request counts.

When the loop activates what was loaded is decided in `policy_swaps.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from myoprosthesis.core.errors import MyoError
from myoprosthesis.nodes.switching_loop import SwitchingLoop
from myoprosthesis.policies import store
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.onnx_policy import OnnxPolicy


class SwapListener(Protocol):
    """Whoever follows swaps; all calls come from the executor of the node."""

    def swap_loading(self, name: str) -> None:
        """A policy is being loaded."""

    def swap_ready(self, name: str) -> None:
        """It is loaded, and is activated once it has caught up (lockstep: at the next trial)."""

    def swap_done(self) -> None:
        """The policy that was asked for last is active."""

    def swap_refused(self, name: str, why: str, newest: bool) -> None:
        """A policy is not swapped in; `newest`: and no other is on its way."""


class PolicyLoader:
    """Loads policies off the control thread, fits them to the effector and has the loop switch to them."""

    def __init__(
        self, listener: SwapListener, call: Callable[[Callable[[], None]], None], wake: Callable[[], None]
    ) -> None:
        """`call` has a function called by the executor of the node; `wake` wakes the loop."""
        self._listener, self.call, self._wake = listener, call, wake
        self._newest = self._newest_shadow = 0
        self._order = threading.Lock()
        """What a worker hands to the loop is handed over before a newer request, or not at all."""
        self.pending = ""
        """The policy that is on its way; empty: none."""

    def swap(self, loop: SwitchingLoop, name: str, loaded: Controller | None = None) -> None:
        """Swap to the policy `name`, or to the `loaded` one, whatever has become of its file."""
        with self._order:
            self._newest, self.pending = self._newest + 1, name
            request = self._newest
        self._listener.swap_loading(name)
        _thread("swap", lambda: self._load(loop, name, request, loaded))

    def cancel(self, loop: SwitchingLoop) -> None:
        """Swap to nothing: what is active stays."""
        with self._order:
            self._newest, self.pending = self._newest + 1, ""
            loop.request(loop.cancel_switch)

    def set_shadow(
        self, loop: SwitchingLoop, name: str, done: Callable[[], None], failed: Callable[[str], None]
    ) -> None:
        """Run the policy `name` beside the active one, unless another is asked for meanwhile; empty: none.

        `done` is called once it answers, `failed` with a sentence.
        """
        with self._order:
            self._newest_shadow += 1
            request = self._newest_shadow

        def fail(why: str) -> None:
            if request == self._newest_shadow:
                self.call(lambda: failed(f"shadow {name!r}: {why}"))

        def load() -> None:
            controller = None
            if name:
                try:
                    controller = loop.switcher.fit(name, OnnxPolicy(store.find(name)))
                except Exception as error:  # whatever it was: the worker must say so
                    fail(str(error))
                    return
            with self._order:
                if request == self._newest_shadow:
                    loop.set_shadow(controller, lambda: self.call(done), fail)
            self._wake()

        _thread("shadow", load)

    def _load(self, loop: SwitchingLoop, name: str, request: int, loaded: Controller | None) -> None:
        """In a worker: load, warm up and fit, then request the switch."""
        controller = loaded
        try:
            if controller is None:
                policy: Any = OnnxPolicy(store.find(name))
                policy.warm_up()
                controller = loop.switcher.fit(name, policy)
        except Exception as error:  # whatever it was: the worker must say so
            why = str(error) if isinstance(error, MyoError) else f"{type(error).__name__}: {error}"
            self.call(lambda: self._refuse(request, name, why))
            return
        with self._order:
            if request != self._newest:
                return
            loop.switch(
                controller,
                lambda: self.call(lambda: self._finish(request)),
                lambda why: self.call(lambda: self._refuse(request, name, why)),
            )
        self._wake()
        self.call(lambda: self._announce(request, name))

    def _announce(self, request: int, name: str) -> None:
        if request == self._newest and self.pending:
            self._listener.swap_ready(name)

    def _finish(self, request: int) -> None:
        if self._is_last(request):
            self._listener.swap_done()

    def _refuse(self, request: int, name: str, why: str) -> None:
        self._listener.swap_refused(name, why, self._is_last(request))

    def _is_last(self, request: int) -> bool:
        """Whether nothing newer is on its way."""
        if request != self._newest and self.pending:
            return False
        self.pending = ""
        return True


def _thread(name: str, function: Callable[[], None]) -> None:
    threading.Thread(target=function, name=name, daemon=True).start()
