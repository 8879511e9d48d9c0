"""A policy that is swapped in while simulated time stands still."""

from std_srvs.srv import SetBool


def test_it_is_accepted_and_played_from_the_next_trial_on_once_time_goes_on(start, command):
    stack = start({"task": {"trial_s": 5.0}}, effector="point_mass", lockstep=True).ready()

    def played():
        return stack.policy[-1]["policy"], stack.policy[-1]["text"]

    try:
        assert stack.probe.call(SetBool, "effector/pause", data=True).success
        assert stack.until(lambda: stack.report()["paused"])
        done = command("swap", "point_mass_cw")
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert (
            "point_mass_cw is loaded and is played from the next trial on" in said and "myoprosthesis continue" in said
        )
        assert "until then point_mass_null" in said
        assert stack.until(lambda: played() == ("point_mass_null", "ready"))
        assert stack.probe.call(SetBool, "effector/pause", data=False).success
        assert stack.until(lambda: played() == ("point_mass_cw", "active"))
    finally:
        stack.close()
