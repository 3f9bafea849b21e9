"""kill -9 of the server in the middle of an analysis loses nothing that was acknowledged."""

import random

import pytest

from images.scan_report import ScanReport
from recovery.stored_images import image_states, is_sound
from support.polling import poll_for, wait_until

ROUNDS = 4


def _job_states(installation) -> set:
    return {job["state"] for job in installation.jobs()}


def _finished(installation) -> bool:
    """A job that is done is no longer listed; one that gave up is `dead`."""
    jobs = installation.jobs()
    assert all(job["state"] != "dead" for job in jobs), jobs
    return jobs == []


def test_a_queued_scan_waits_for_a_server(covered_installation, start_server, large):
    image, layout = large
    covered_installation.do("scan", "--queue", layout)
    assert _job_states(covered_installation) == {"queued"}
    server = start_server(covered_installation)
    wait_until(lambda: _finished(covered_installation), "the analysis is done", 180)
    server.stop()
    assert image_states(covered_installation.data) == {image.manifest.digest: "analyzed"}


def test_a_killed_analysis_is_completed_after_the_restart(
    covered_installation, start_server, large
):
    image, layout = large
    server = start_server(covered_installation)
    covered_installation.do("scan", "--queue", layout)
    wait_until(
        lambda: "running" in _job_states(covered_installation), "the analysis has begun", 30, 0.01
    )
    server.kill()
    assert image_states(covered_installation.data) == {}, "the kill came too late"
    server = start_server(covered_installation)
    wait_until(lambda: _finished(covered_installation), "the analysis is done", 180)
    server.stop()
    assert image_states(covered_installation.data) == {image.manifest.digest: "analyzed"}
    assert is_sound(covered_installation.data)


@pytest.mark.parametrize("seed", [20261124, 7])
def test_any_number_of_kills_only_delays_the_analysis(
    covered_installation, start_server, large, seed
):
    image, layout = large
    moments = random.Random(seed)
    covered_installation.do("scan", "--queue", layout)
    for _ in range(ROUNDS):
        server = start_server(covered_installation)
        poll_for(lambda: _finished(covered_installation), moments.uniform(0.0, 2.5))
        server.kill()
        assert is_sound(covered_installation.data)
    server = start_server(covered_installation)
    wait_until(lambda: _finished(covered_installation), "the analysis is done", 180)
    server.stop()
    assert image_states(covered_installation.data) == {image.manifest.digest: "analyzed"}


def test_an_interrupted_analysis_finds_what_an_undisturbed_one_finds(
    covered_installation, start_server, covered, large
):
    _, layout = large
    server = start_server(covered_installation)
    covered_installation.do("scan", "--queue", layout)
    wait_until(
        lambda: "running" in _job_states(covered_installation), "the analysis has begun", 30, 0.01
    )
    server.kill()
    server = start_server(covered_installation)
    wait_until(lambda: _finished(covered_installation), "the analysis is done", 180)
    server.stop()
    disturbed = ScanReport(covered_installation.scan(layout).expect(0).json())
    undisturbed = ScanReport(covered.scan(layout).expect(0).json())
    assert disturbed.value["packages"] == undisturbed.value["packages"]
