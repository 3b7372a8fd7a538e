"""What a write keeps, replaces, removes and refuses; what a check reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from derive.errors import BadInput, EnvironmentTrouble
from derive.output import swap
from derive.output.folders import default_folder, destination
from derive.output.manifest import inputs_digest, is_current
from derive.output.plan import HandEdited
from derive.output.staging import replace_file
from derive.output.writer import check, write

TREE = {
    "__init__.py": "",
    "for_numpy/__init__.py": "",
    "for_numpy/huber.py": "def loss(x):\n    return x\n",
    "for_numpy/barron.py": "# ρ\n",
}
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "place" / "generated"


def content(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def edit(root: Path, path: str = "for_numpy/huber.py", text: str = "my own work\n") -> bytes:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    return text.encode()


def test_writes_the_tree_and_its_manifest(root: Path) -> None:
    written = write(TREE, root)
    assert written.changed == tuple(sorted(TREE))
    assert (written.unchanged, written.removed) == ((), ())
    found = content(root)
    manifest = json.loads(found.pop("manifest.json"))
    assert found == {path: text.encode() for path, text in TREE.items()}
    assert sorted(manifest["files"]) == sorted(TREE)
    assert os.listdir(root.parent) == ["generated"]


def test_nothing_to_do_touches_nothing(root: Path) -> None:
    write(TREE, root, inputs="one")
    before = root.stat().st_ino, {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    assert write(TREE, root, inputs="one").unchanged == tuple(sorted(TREE))
    assert write({"__init__.py": ""}, root, inputs="one", partial=True).changed == ()
    assert (root.stat().st_ino, {p: p.stat().st_mtime_ns for p in root.rglob("*")}) == before


def test_replaces_and_removes_its_own_files(root: Path) -> None:
    write(TREE, root)
    written = write({"__init__.py": "", "for_torch/huber.py": "# new\n"}, root)
    assert written.changed == ("for_torch/huber.py",)
    assert written.unchanged == ("__init__.py",)
    assert written.removed == tuple(sorted(p for p in TREE if p.startswith("for_numpy/")))
    assert sorted(content(root)) == ["__init__.py", "for_torch/huber.py", "manifest.json"]
    assert not (root / "for_numpy").exists()


def test_partial_leaves_the_other_files(root: Path) -> None:
    write(TREE, root, inputs="one")
    foreign = edit(root, "for_numpy/mine.py")
    write({"for_numpy/huber.py": "# new\n"}, root, inputs="two", partial=True)
    found = content(root)
    assert found["for_numpy/mine.py"] == foreign
    assert found["for_numpy/huber.py"] == b"# new\n"
    assert found["for_numpy/barron.py"] == "# ρ\n".encode()
    assert not check(TREE | {"for_numpy/huber.py": "# new\n"}, root).changed
    assert is_current(root, "two", ["for_numpy/huber.py"], partial=True)
    assert not is_current(root, "two", ["for_numpy/barron.py"], partial=True)
    assert is_current(root, "one", ["for_numpy/barron.py"], partial=True)


def test_parts_in_any_order_equal_the_whole(tmp_path: Path) -> None:
    write(TREE, tmp_path / "whole", inputs="i")
    for number, paths in enumerate([sorted(TREE), sorted(TREE, reverse=True)]):
        for path in paths:
            write({path: TREE[path]}, tmp_path / f"parts{number}", inputs="i", partial=True)
        assert content(tmp_path / f"parts{number}") == content(tmp_path / "whole")


@pytest.mark.parametrize("partial", [False, True])
def test_hand_edited_file_is_refused_with_the_diff(root: Path, partial: bool) -> None:
    write(TREE, root)
    edit(root)
    before = content(root)
    with pytest.raises(HandEdited, match=r"huber\.py: was edited by hand.*--force") as caught:
        write(TREE | {"for_numpy/huber.py": "# new\n"}, root, partial=partial)
    assert "-my own work\n+# new\n" in caught.value.details
    assert "\n" not in str(caught.value)
    assert content(root) == before
    with pytest.raises(HandEdited):
        write(TREE, root, partial=partial)  # also where the derived text is as it was
    assert write(TREE, root, partial=partial, force=True).changed == ("for_numpy/huber.py",)
    assert content(root)["for_numpy/huber.py"] == TREE["for_numpy/huber.py"].encode()


def test_edited_file_that_is_no_longer_made(root: Path) -> None:
    write(TREE, root)
    edit(root)
    rest = {path: text for path, text in TREE.items() if path != "for_numpy/huber.py"}
    with pytest.raises(HandEdited, match="edited by hand"):
        write(rest, root)
    assert write(rest, root, force=True).removed == ("for_numpy/huber.py",)


def test_edit_outside_the_part_is_left_alone_and_still_noticed(root: Path) -> None:
    write(TREE, root)
    mine = edit(root)
    write({"for_numpy/barron.py": "# new\n"}, root, partial=True)
    assert content(root)["for_numpy/huber.py"] == mine
    with pytest.raises(HandEdited):
        write(TREE, root)


def test_foreign_file_in_the_way(root: Path) -> None:
    mine = edit(root)
    with pytest.raises(HandEdited, match=r"huber\.py: was not written by derive"):
        write(TREE, root)
    assert content(root) == {"for_numpy/huber.py": mine}
    write(TREE, root, force=True)
    assert not check(TREE, root)


def test_an_edit_that_equals_the_new_text_is_no_conflict(root: Path) -> None:
    write(TREE, root)
    edit(root, text="# new\n")
    write(TREE | {"for_numpy/huber.py": "# new\n"}, root)
    assert not check(TREE | {"for_numpy/huber.py": "# new\n"}, root)


def test_a_deleted_file_comes_back(root: Path) -> None:
    write(TREE, root)
    (root / "for_numpy/huber.py").unlink()
    assert write(TREE, root).changed == ("for_numpy/huber.py",)


@pytest.mark.parametrize("force", [False, True])
def test_foreign_entries_stay(root: Path, force: bool) -> None:
    write(TREE, root)
    mine = edit(root, "notes/mine.txt")
    (root / "notes/empty").mkdir()
    (root / "notes/link").symlink_to("/nowhere")
    os.mkfifo(root / "pipe")
    (root / "notes/mine.txt").chmod(0o640)
    (root / "notes").chmod(0o700)
    (root / "for_numpy/__pycache__").mkdir()
    (root / "for_numpy/__pycache__/huber.pyc").write_text("stale")
    identity = (root / "notes/mine.txt").stat()
    write({"__init__.py": "# new\n"}, root, force=force)
    assert (root / "notes/mine.txt").read_bytes() == mine
    after = (root / "notes/mine.txt").stat()
    assert (after.st_ino, after.st_mode) == (identity.st_ino, identity.st_mode)
    assert (root / "notes").stat().st_mode & 0o777 == 0o700
    assert (root / "notes/empty").is_dir()
    assert os.readlink(root / "notes/link") == "/nowhere"
    assert (root / "pipe").is_fifo()
    assert not (root / "for_numpy").exists()


def test_foreign_files_are_copied_where_links_do_not_work(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(TREE, root)
    mine = edit(root, "mine.txt")
    (root / "link").symlink_to("mine.txt")

    def no_links(*_arguments: object, **_options: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    write({"__init__.py": "# new\n"}, root)
    assert (root / "mine.txt").read_bytes() == mine
    assert os.readlink(root / "link") == "mine.txt"


def test_links_inside_are_neither_followed_nor_lost(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "huber.py").write_text("precious\n")
    root.mkdir(parents=True)
    (root / "for_numpy").symlink_to(outside)
    with pytest.raises(HandEdited, match="for_numpy: is a link"):
        write(TREE, root)
    write(TREE, root, force=True)
    assert not check(TREE, root)
    assert (outside / "huber.py").read_text() == "precious\n"
    (root / "for_numpy/huber.py").unlink()
    (root / "for_numpy/huber.py").symlink_to(outside / "huber.py")
    assert check(TREE, root).changed == ("for_numpy/huber.py",)
    with pytest.raises(HandEdited, match=r"huber\.py: is a link"):
        write(TREE, root)
    write(TREE, root, force=True)
    assert (outside / "huber.py").read_text() == "precious\n"


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_where_a_file_belongs(root: Path, force: bool) -> None:
    mine = edit(root, "for_numpy/huber.py/mine.txt")
    with pytest.raises(BadInput, match=r"huber\.py: is a folder where a file belongs"):
        write(TREE, root, force=force)
    assert content(root) == {"for_numpy/huber.py/mine.txt": mine}


def test_a_file_where_a_folder_belongs(root: Path) -> None:
    edit(root, "for_numpy")
    with pytest.raises(HandEdited, match="for_numpy: is a file where a folder belongs"):
        write(TREE, root)
    write(TREE, root, force=True)
    assert not check(TREE, root)


def test_a_file_of_ours_becomes_a_folder_and_back(root: Path) -> None:
    write({"a": "file\n"}, root)
    write({"a/b": "inside\n"}, root)
    assert sorted(content(root)) == ["a/b", "manifest.json"]
    write({"a": "file\n"}, root)
    assert sorted(content(root)) == ["a", "manifest.json"]


@pytest.mark.parametrize("text", ["not json", "[]", '{"files": {"a": 1}}', ""])
def test_a_manifest_that_is_none_is_refused(root: Path, text: str) -> None:
    write(TREE, root)
    edit(root, "manifest.json", text)
    with pytest.raises(HandEdited, match=r"manifest\.json: is not a manifest"):
        write(TREE, root)
    write(TREE, root, force=True)
    assert not check(TREE, root)


@pytest.mark.parametrize(
    "path",
    ["../out.py", "/etc/out.py", "a/../b.py", "a//b.py", "./a.py", "a\\b.py", "a\0b.py", "ä.py",
     "manifest.json", "c:a.py", "__pycache__/a.py", "x" * 300 + ".py"],
)  # fmt: skip
def test_paths_that_could_leave_the_folder(root: Path, path: str) -> None:
    with pytest.raises(BadInput) as caught:
        write({path: "text"}, root)
    assert str(caught.value).isprintable()
    assert not root.parent.exists()


def test_names_that_differ_in_case_only(root: Path) -> None:
    with pytest.raises(BadInput, match=r"Barron\.py and for_numpy/barron\.py: collide"):
        write(TREE | {"for_numpy/Barron.py": ""}, root)
    assert not root.parent.exists()


def test_a_link_as_output_folder(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    write(TREE, target)
    root.parent.mkdir()
    root.symlink_to(target)
    before = content(target)
    for out in (root, Path(f"{root}/"), root / "."):
        with pytest.raises(BadInput, match="is a symbolic link to .*target"):
            write({"__init__.py": "# new\n"}, out)
    assert content(target) == before
    write({"__init__.py": "# new\n"}, root, follow=True)
    assert root.is_symlink()
    assert not check({"__init__.py": "# new\n"}, target)
    assert sorted(os.listdir(tmp_path)) == ["place", "target"]


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    for out, trouble in [
        (file, EnvironmentTrouble),
        (file / "generated", EnvironmentTrouble),
        (Path("/proc/derive/generated"), EnvironmentTrouble),
        (Path("/"), EnvironmentTrouble),
        (loop / "generated", EnvironmentTrouble),
        (tmp_path / ("x" * 300), EnvironmentTrouble),
        (tmp_path / "a\0b", BadInput),
    ]:
        with pytest.raises(trouble) as caught:
            write(TREE, out)
        assert str(caught.value).isprintable()
        assert "generated" in str(caught.value) or str(out)[:20].split("\0")[0] in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["file", "loop"]


def test_a_project_is_no_output_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project/.git").mkdir(parents=True)
    with pytest.raises(BadInput, match="holds other files"):
        write(TREE, tmp_path / "project", force=True)
    (tmp_path / "project/.git").rmdir()
    (tmp_path / "project/thesis.tex").write_text("mine")
    monkeypatch.chdir(tmp_path / "project")
    with pytest.raises(BadInput, match="such as .*project/generated"):
        write(TREE, Path("."))
    write(TREE, Path("generated"))
    assert not check(TREE, tmp_path / "project/generated")
    monkeypatch.chdir(tmp_path / "project/generated")  # derive's own folder may be stood in
    write({"__init__.py": "# new\n"}, Path("."))
    assert not check({"__init__.py": "# new\n"}, tmp_path / "project/generated")


def test_check_reports_and_writes_nothing(root: Path) -> None:
    assert check(TREE, root).missing == (*sorted(TREE), "manifest.json")
    assert not root.parent.exists()
    write(TREE, root, inputs="one")
    (root / "__pycache__").mkdir()
    (root / "__pycache__/x.pyc").write_text("")
    difference = check(TREE, root)
    assert not difference
    assert difference.diff_text == ""
    edit(root, text="edited \x1b[31m\n")
    edit(root, "for_numpy/extra.py")
    (root / "for_numpy/barron.py").unlink()
    before = content(root)
    difference = check(TREE, root)
    assert difference.changed == ("for_numpy/huber.py",)
    assert difference.missing == ("for_numpy/barron.py",)
    assert difference.extra == ("for_numpy/extra.py",)
    assert "-edited \\x1b[31m\n+def loss(x):\n" in difference.diff_text
    assert "for_numpy/barron.py: missing\n" in difference.diff_text
    assert content(root) == before


def test_check_of_a_part(root: Path) -> None:
    write(TREE, root)
    part = {"for_numpy/huber.py": TREE["for_numpy/huber.py"]}
    assert not check(part, root, partial=True)
    assert check(part, root).extra
    edit(root, "for_numpy/barron.py")
    assert not check(part, root, partial=True)
    edit(root)
    assert check(part, root, partial=True).changed == ("for_numpy/huber.py",)


def test_check_sees_a_lost_newline_and_bytes_that_are_no_text(root: Path) -> None:
    write(TREE, root)
    (root / "for_numpy/huber.py").write_bytes(TREE["for_numpy/huber.py"].encode().rstrip())
    assert "no newline at the end" in check(TREE, root).diff_text
    (root / "for_numpy/huber.py").write_bytes(b"\xff\xfe\r\n")
    assert "-\\xff\\xfe\\r\n" in check(TREE, root).diff_text


def test_systems_that_cannot_exchange(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    write(TREE, root)
    write({"__init__.py": "# new\n"}, root)
    assert not check({"__init__.py": "# new\n"}, root)
    assert os.listdir(root.parent) == ["generated"]


def test_exchange_exchanges(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_text("b")
    if not swap.exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("no exchange of names on this system")
    assert (tmp_path / "b").is_dir()
    assert (tmp_path / "a").read_text() == "b"
    with pytest.raises(FileNotFoundError):
        swap.exchange(tmp_path / "a", tmp_path / "none")


def test_is_current(root: Path) -> None:
    assert not is_current(root, "one", TREE)
    write(TREE, root, inputs="one")
    assert is_current(root, "one", TREE)
    assert not is_current(root, "two", TREE)
    assert not is_current(root, "one", ["for_numpy/huber.py"])
    assert is_current(root, "one", ["for_numpy/huber.py"], partial=True)
    assert not is_current(root, "one", [*TREE, "for_torch/huber.py"])
    write(TREE, root, inputs="two")
    assert is_current(root, "two", TREE)
    swap.Siblings.of(root).lock.touch()
    assert not is_current(root, "two", TREE)
    write(TREE, root, inputs="two")
    assert is_current(root, "two", TREE)
    edit(root)
    assert not is_current(root, "two", TREE)


def test_new_inputs_leave_the_output_as_it_is(root: Path) -> None:
    write(TREE, root, inputs="one")
    manifest = (root / "manifest.json").read_bytes()
    assert write(TREE, root, inputs="two").changed == ()
    assert (root / "manifest.json").read_bytes() == manifest
    (root / ".inputs.json").write_text("nonsense")
    assert not check(TREE, root)
    write(TREE, root)
    assert not (root / ".inputs.json").exists()


def test_inputs_digest_depends_on_contents_and_names_alone(tmp_path: Path) -> None:
    for place in ("here", "there/deeper"):
        folder = tmp_path / place / "derive"
        (folder / "room").mkdir(parents=True)
        (folder / "room/a.py").write_text("a")
        (folder / "b.py").write_text("b")
    here, there = tmp_path / "here/derive", tmp_path / "there/deeper/derive"
    first = inputs_digest([here, here / "b.py"], ["x", "y"])
    assert inputs_digest([there / "b.py", there], ["y", "x"]) == first
    (there / "room/__pycache__").mkdir()
    (there / "room/__pycache__/a.pyc").write_text("")
    assert inputs_digest([there, there / "b.py"], ["x", "y"]) == first
    assert inputs_digest([here, here / "b.py"], ["x"]) != first
    (there / "room/a.py").write_text("c")
    assert inputs_digest([there, there / "b.py"], ["x", "y"]) != first
    (there / "room/a.py").rename(there / "room/c.py")
    assert inputs_digest([there], []) != inputs_digest([here], [])


@pytest.mark.parametrize(
    "setting",
    [
        {"PYTHONHASHSEED": "7"},
        {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"},
        {"LC_ALL": "C", "HOME": None, "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ],
    ids=str,
)
def test_the_same_bytes_under_any_setting(tmp_path: Path, setting: dict[str, str | None]) -> None:
    script = (
        "import os, sys; from pathlib import Path; from derive.output.writer import write\n"
        "from derive.output.manifest import inputs_digest\n"
        "os.umask(0o077)\n"
        "tree = dict.fromkeys({'b/i.py', 'a.py', 'b/J.py', 'c/x.py'}, '# \\u03c1\\n')\n"
        "inputs = inputs_digest([Path(sys.argv[2])], {'1', '2', '3'})\n"
        "write(tree, Path(sys.argv[1]), inputs=inputs)\n"
    )
    trees = []
    for name, changes in (("plain", {}), ("other", setting)):
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)} | changes
        subprocess.run(
            [sys.executable, "-c", script, tmp_path / name, CHECKOUT / "derive/definitions"],
            env={key: value for key, value in environment.items() if value is not None},
            cwd=tmp_path if name == "plain" else "/",
            check=True,
        )
        trees.append(content(tmp_path / name))
    assert trees[0] == trees[1]
    assert trees[0]["b/i.py"] == "# ρ\n".encode()


def test_replace_file(tmp_path: Path) -> None:
    replace_file(tmp_path / "out.tex", b"one")
    replace_file(tmp_path / "out.tex", b"two")
    assert (tmp_path / "out.tex").read_bytes() == b"two"
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "none/out.tex", b"one")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "folder", b"one")
    assert sorted(os.listdir(tmp_path)) == ["folder", "out.tex"]


def test_default_folder_is_that_of_the_checkout() -> None:
    assert default_folder() == CHECKOUT / "generated"


def test_destination_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert destination(Path("a/b")) == tmp_path / "a/b"
    assert destination(Path("a/../b")) == tmp_path / "b"
