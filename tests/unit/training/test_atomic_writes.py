"""Whatever stops a program while it writes, the next one finds what was or what is: runs, bundles, generated code."""

import contextlib
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kws_codegen.commands.generate import write_files
from kws_reference.bundle import MANIFEST_FILE, Bundle, write_bundle
from kws_reference.errors import KwsError
from kws_reference.system.files import replace, replacing
from kws_training.folder_lock import only_writer, require_writable

CALLS = ("write", "fsync", "replace")


class Killed(BaseException):
    """The process ends here: nothing behind this point happens, not even cleaning up."""


@contextlib.contextmanager
def stopped_at(monkeypatch, call, number, error):
    """Lets the `number`-th call of os.fsync, os.replace or a file's write fail.

    Yields:
      A list that is empty while there has been no such call: the work has fewer of them.
    """
    met, left = [], [number]

    def failing(real):
        def wrapper(*arguments, **options):
            left[0] -= 1
            if left[0] == 0:
                met.append(call)
                if error is Killed:
                    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # the dead clean nothing up
                raise error if error is Killed else OSError(error, os.strerror(error))
            return real(*arguments, **options)

        return wrapper

    with monkeypatch.context() as patch:
        if call == "write":
            real_open = Path.open

            def opened(self, mode="r", *arguments, **options):
                file = real_open(self, mode, *arguments, **options)
                if "w" not in mode:
                    return file
                return _Failing(file, failing(file.write))

            patch.setattr(Path, "open", opened)
        else:
            patch.setattr(os, call, failing(getattr(os, call)))
        unlink = Path.unlink
        try:
            yield met
        finally:
            monkeypatch.setattr(Path, "unlink", unlink)


class _Failing:
    """A file whose write fails when it is told to."""

    def __init__(self, file, write):
        self._file, self.write = file, write

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("call", CALLS)
def test_replace_on_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch, call):
    replace(tmp_path / "file", b"old")
    with stopped_at(monkeypatch, call, 1, errno.ENOSPC) as met, pytest.raises(OSError):
        replace(tmp_path / "file", b"new")
    assert met and contents(tmp_path) == {"file": b"old"}


def test_replace_through_a_link_and_into_a_pipe_keeps_them(tmp_path):
    (tmp_path / "to").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "to" / "file")
    replace(tmp_path / "link", b"data")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "to" / "file").read_bytes() == b"data"
    with replacing("/dev/null") as file:
        file.write(b"gone")
    assert not Path("/dev/null").is_file()


# --- Bundles


def released(bundle_path):
    bundle = Bundle.load(bundle_path)
    content = {key: value for key, value in bundle.manifest.items() if key not in ("format_version", "model_sha256")}
    return bundle, content


@pytest.mark.parametrize("error", [Killed, errno.ENOSPC])
@pytest.mark.parametrize("call", CALLS)
def test_write_bundle_stopped_anywhere_leaves_the_old_bundle_or_the_new_one(
    bundle_path, tmp_path, monkeypatch, call, error
):
    bundle, content = released(bundle_path)
    new_model = bundle.model + b"\0" * 4  # another model to whom only reads the digest
    for number in range(1, 20):
        folder = tmp_path / f"{number}"
        write_bundle(folder, bundle.model, {**content, "name": "old"})
        with stopped_at(monkeypatch, call, number, error) as met, pytest.raises((Killed, KwsError, SystemExit)):
            write_bundle(folder, new_model, {**content, "name": "new"})
            raise SystemExit
        found = Bundle.load(folder)
        assert (found.name, found.model) in (("old", bundle.model), ("new", new_model))
        assert write_bundle(folder, new_model, {**content, "name": "newer"}).name == "newer"
        names = {path.name for path in folder.iterdir() if not path.name.endswith(".partial")}
        assert names == {"model.tflite", MANIFEST_FILE}
        if not met:
            assert number > 2
            return
    pytest.fail("it never ends")


def test_write_bundle_with_a_faulty_manifest_keeps_the_bundle_that_is_there(bundle_path, tmp_path):
    bundle, content = released(bundle_path)
    write_bundle(tmp_path, bundle.model, content)
    kept = contents(tmp_path)
    with pytest.raises(KwsError, match="labels"):
        write_bundle(tmp_path, bundle.model, {**content, "labels": ["yes"]})
    assert contents(tmp_path) == kept


# --- Generated code


@pytest.mark.parametrize("error", [Killed, errno.ENOSPC])
@pytest.mark.parametrize("call", CALLS)
def test_generate_stopped_anywhere_leaves_one_model_or_what_does_not_build(tmp_path, monkeypatch, call, error):
    names = ("a.cc", "model_info.h", "z.h")
    old, new = ({name: f"{kind} {name}" for name in names} for kind in ("old", "new"))
    for number in range(1, 20):
        folder = tmp_path / str(number)
        write_files(folder, old)
        with stopped_at(monkeypatch, call, number, error) as met, pytest.raises((Killed, KwsError, SystemExit)):
            write_files(folder, new)
            raise SystemExit
        found = {name: text.decode() for name, text in contents(folder).items() if not name.endswith(".partial")}
        assert found in (old, new) or "model_info.h" not in found
        write_files(folder, new)
        assert {path.name for path in folder.iterdir() if not path.name.endswith(".partial")} == set(names)
        if not met:
            assert number > 2
            return
    pytest.fail("it never ends")


def test_generate_with_some_files_changed_keeps_the_marker(tmp_path):
    write_files(tmp_path, {"model_info.h": "same", "x.cc": "old", "y.cc": "old"})
    write_files(tmp_path, {"model_info.h": "same", "x.cc": "new", "y.cc": "new"})
    assert contents(tmp_path) == {"model_info.h": b"same", "x.cc": b"new", "y.cc": b"new"}
    assert (tmp_path / "model_info.h").stat().st_mode & 0o444 == 0o444


# --- Runs


@pytest.fixture(scope="module")
def keras():
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")
    import keras

    return keras


class Training:
    """Three epochs of a small model: what `trainer.train` does with a run's folder, without clips."""

    epochs, accuracy = 3, (0.5, 0.7, 0.6)

    def __init__(self, keras, folder, settings=None):
        from kws_training.train.optimizer import AveragingAdamW, averaged
        from kws_training.train.run_folder import RunFolder

        self.keras = keras
        keras.utils.set_random_seed(1)
        self.model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        self.model.compile(AveragingAdamW(0.1, use_ema=True, ema_momentum=0.5), "mse")
        self.model.optimizer.build(self.model.trainable_variables)
        self.run, self.averaged = RunFolder(folder, settings or {"seed": 1}), averaged
        if self.run.history:
            self.run.restore(self.model, 4 * len(self.run.history))

    def train(self):
        for epoch in range(len(self.run.history), self.epochs):
            rng = np.random.default_rng(epoch)
            for _ in range(4):
                gradients = [rng.normal(size=v.shape).astype(np.float32) for v in self.model.trainable_variables]
                self.model.optimizer.apply([self.keras.ops.convert_to_tensor(g) for g in gradients])
            self.run.finish_epoch(self.model, {"epoch": epoch + 1, "val_accuracy": self.accuracy[epoch]}, self.averaged)
        return self

    def result(self):
        from kws_training.train.run_files import best_epoch

        weights = [np.asarray(value).tolist() for value in self.model.get_weights()]
        steps = int(self.model.optimizer.iterations.numpy())
        best = json.loads((self.run.path / "history.json").read_text()), best_epoch(self.run.path)
        with np.load(self.run.path / "best.npz") as arrays:
            return weights, steps, best, [arrays[name].tolist() for name in sorted(arrays.files)]


@pytest.mark.parametrize("error", [Killed, errno.ENOSPC])
@pytest.mark.parametrize("call", CALLS)
def test_run_stopped_at_any_write_and_resumed_equals_an_unbroken_one(keras, tmp_path, monkeypatch, call, error):
    unbroken = Training(keras, tmp_path / "unbroken").train().result()
    assert unbroken[1] == 12
    stopped = 0
    for number in {"write": (1, 8, 20, 50), "fsync": (1, 2, 3, 5, 7), "replace": (1, 2, 3, 4, 5)}[call]:
        folder = tmp_path / f"{number}"
        training = Training(keras, folder)
        with stopped_at(monkeypatch, call, number, error) as met, contextlib.suppress(Killed):
            try:
                training.train()
            except KwsError as failure:
                assert f"number {len(training.run.history)}" in str(failure) or not training.run.history
        stopped += bool(met)
        assert Training(keras, folder).train().result() == unbroken, number
        assert {path.name for path in folder.iterdir()} == {"settings.json", "history.json", "last.npz", "best.npz"}
    assert stopped > 2


def test_run_that_was_stopped_is_exported_as_it_was_finished(keras, tmp_path, monkeypatch):
    """Between the checkpoint and its copies the copies are of the epoch before; the best weights are not."""
    from kws_training.train.run_files import best_epoch, committed

    training = Training(keras, tmp_path)
    with stopped_at(monkeypatch, "replace", 5, Killed), pytest.raises(Killed):
        training.train()  # 1 to 3 are the first epoch's files, 4 is the second one's checkpoint
    assert len(json.loads((tmp_path / "history.json").read_text())) == 1
    assert best_epoch(tmp_path) == {"epoch": 2, "val_accuracy": 0.7}
    best = committed(tmp_path).best
    with training.averaged(training.model):
        assert all(map(np.array_equal, best, training.model.get_weights()))


def test_run_of_an_earlier_version_goes_on_and_a_torn_one_is_refused(keras, tmp_path):
    """Before, last.npz held no history: three epochs' steps behind two epochs' history mean that one was torn."""
    unbroken = Training(keras, tmp_path / "unbroken").train().result()
    for epochs, torn in ((2, False), (3, True)):
        folder = tmp_path / f"old{epochs}"
        training = Training(keras, folder)
        training.epochs = epochs
        training.train()
        with np.load(folder / "last.npz") as arrays:
            earlier = {name: arrays[name] for name in arrays.files if name.startswith(("weight_", "optimizer_"))}
        np.savez(folder / "last.npz", **earlier)
        (folder / "history.json").write_text(json.dumps(training.run.history[:2]))
        if torn:
            with pytest.raises(KwsError, match="12 steps.*of 8.*trained twice"):
                Training(keras, folder)
        else:
            assert Training(keras, folder).train().result() == unbroken


def test_run_with_other_settings_names_each_field_with_both_values(keras, tmp_path):
    Training(keras, tmp_path, {"seed": 1, "recipe": {"epochs": 5, "augment": {"gain_low_db": -3.0}}, "labels": ["a"]})
    with pytest.raises(KwsError) as caught:
        Training(keras, tmp_path, {"seed": 1, "recipe": {"epochs": 9, "augment": {"gain_low_db": -6.0}}, "teacher": 1})
    for text in (
        "recipe.epochs was 5, is 9",
        "recipe.augment.gain_low_db was -3.0, is -6.0",
        'labels was ["a"], is not given',
        "teacher was not given, is 1",
    ):
        assert text in str(caught.value)
    assert "seed" not in str(caught.value)


LOCKED = """
import sys
from kws_training.folder_lock import only_writer
with only_writer(sys.argv[1]):
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_only_writer_refuses_a_second_process_until_the_first_ends(tmp_path):
    command = [sys.executable, "-c", LOCKED, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout.readline() == b"writing\n"
        with pytest.raises(KwsError, match="another kws-train writes to"), only_writer(tmp_path / "run"):
            pass
        first.kill()
        first.wait()
    with only_writer(tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists()  # nothing came into it


def test_only_writer_of_a_file_or_below_one_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run", Path("/proc/run")):
        with pytest.raises(KwsError, match=f"cannot write to {path}"), only_writer(path):
            pass
        with pytest.raises(KwsError, match=f"cannot write to {path}"):
            require_writable(path)
    require_writable(tmp_path / "new" / "folder")
    assert {path.name for path in tmp_path.iterdir()} == {"file"}
