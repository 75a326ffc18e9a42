"""What is put back on the machine after a docker daemon of ours."""

from pathlib import Path

from local.cluster import host


def test_only_the_rules_that_docker_added_are_removed() -> None:
    rules = [
        "-P FORWARD DROP",
        "-A FORWARD -j DOCKER-USER",
        "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT",
        "-A FORWARD -i wg0 -j ACCEPT",
        "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
    ]
    assert host.docker_rules(rules) == [rules[1], rules[2], rules[4]]


def cgroup(path: Path, processes: str = "") -> None:
    path.mkdir(parents=True)
    (path / "cgroup.procs").write_text(processes)


def test_a_container_that_runs_keeps_its_control_groups(tmp_path: Path) -> None:
    """Files of an ordinary folder hinder rmdir, those of a cgroup do not: here only the groups in use have any."""
    (tmp_path / "memory" / "docker" / "ended" / "system.slice").mkdir(parents=True)
    cgroup(tmp_path / "memory" / "docker" / "runs" / "kubelet.slice", "4711\n")
    (tmp_path / "cpu" / "docker" / "ended").mkdir(parents=True)
    host.remove_empty_cgroups(tmp_path)
    assert not (tmp_path / "cpu" / "docker").exists()
    assert [path.name for path in (tmp_path / "memory" / "docker").iterdir()] == ["runs"]
    assert (tmp_path / "memory" / "docker" / "runs" / "kubelet.slice").is_dir()


def test_a_machine_without_docker_groups_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "memory" / "other").mkdir(parents=True)
    host.remove_empty_cgroups(tmp_path)
    assert (tmp_path / "memory" / "other").is_dir()


def test_nothing_is_put_back_where_nothing_was_written_down(tmp_path: Path) -> None:
    host.restore(tmp_path)


def test_programs_that_are_missing_are_named() -> None:
    assert host.missing(["sh", "no-such-program-anywhere"]) == ["no-such-program-anywhere"]


def test_what_is_mounted_in_a_folder_is_found_innermost_first() -> None:
    mounts = "\n".join(
        f"nsfs {point} nsfs rw 0 0" for point in ("/run/docker/netns", "/run/docker/netns/default", "/run/dockers", "/")
    )
    assert host.mounts_below(Path("/run/docker"), mounts) == ["/run/docker/netns/default", "/run/docker/netns"]
