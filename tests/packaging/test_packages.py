"""The wheel, the source distribution and the editable install, each away from the checkout."""

from __future__ import annotations

import configparser
import subprocess
import tarfile
import zipfile

import pytest


def _names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def _tracked(checkout, folder):
    listed = subprocess.run(
        ["git", "ls-files", folder], cwd=checkout, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return {name for name in listed.stdout.splitlines() if (checkout / name).is_file()}


def test_the_wheel_holds_the_package_its_data_and_the_templates(checkout, wheel):
    names = _names(wheel)
    assert _tracked(checkout, "derive") <= names
    templates = {
        f"derive/_templates/{path.relative_to(checkout / 'templates').as_posix()}"
        for path in (checkout / "templates").rglob("*.j2")
    }
    assert templates
    assert templates <= names
    assert "derive/py.typed" in names
    assert "derive/definitions/barron_log_partition.json" in names
    assert {name.split("/")[0] for name in names} == {"derive"}


def test_the_metadata_name_the_command_and_the_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = [name for name in archive.namelist() if ".dist-info/" in name]
        named = {name.split(".dist-info/")[1]: name for name in inside}
        points = configparser.ConfigParser()
        points.read_string(archive.read(named["entry_points.txt"]).decode())
        metadata = archive.read(named["METADATA"]).decode()
    assert points["console_scripts"]["derive"] == "derive.cli:main"
    assert "licenses/LICENSE" in named
    assert "\nName: derive-losses\n" in metadata
    assert "\nLicense-Expression: MIT\n" in metadata


def test_the_source_distribution_makes_the_same_wheel(checkout, build, wheel, tmp_path):
    with tarfile.open(build("sdist", checkout)) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert (source / "generated" / "manifest.json").is_file()
    assert (source / "tests" / "packaging").is_dir()
    assert _names(build("wheel", source)) == _names(wheel)


def test_a_wheel_alone_in_an_empty_folder_does_its_job(checkout, wheel, unpacked, derive, tmp_path):
    installed = unpacked(wheel)
    listed = derive(installed, tmp_path, "list")
    assert listed.returncode == 0, listed.stderr
    assert "huber" in listed.stdout
    done = derive(installed, tmp_path, "regenerate", "quadratic", "--out", "mine")
    assert done.returncode == 0, done.stderr
    for path in ("for_numpy/quadratic.py", "for_torch/quadratic.py"):
        assert (tmp_path / "mine" / path).read_bytes() == (
            checkout / "generated" / path
        ).read_bytes()
    again = derive(installed, tmp_path, "regenerate", "quadratic", "--out", "mine")
    assert "nothing to do" in again.stdout


def test_an_installed_derive_writes_to_the_working_folder_by_default(
    wheel, unpacked, derive, tmp_path
):
    done = derive(unpacked(wheel), tmp_path, "regenerate", "absolute", "--target", "numpy")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "generated" / "for_numpy" / "absolute.py").is_file()


def test_an_editable_install_follows_the_checkout(checkout, build, unpacked, derive, tmp_path):
    installed = unpacked(build("wheel:editable", checkout))
    lines = [path.read_text().strip() for path in installed.glob("*.pth")]
    assert lines == [str(checkout)]
    done = derive(installed, tmp_path, "regenerate", "quadratic", "--target", "numpy", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
