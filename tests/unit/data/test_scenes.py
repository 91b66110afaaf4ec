"""Scenes: what they hold, what is right at their moments, and how epochs of them are rendered."""

import dataclasses

import numpy as np
import pytest
import soundfile
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import LabelSet
from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import ClipSet
from kws_training.data.epoch_renderer import EpochRenderer
from kws_training.data.scenes.hard_moments import HardMoments, read_hard_moments
from kws_training.data.scenes.load_speech import SpeechFolder, load_speech
from kws_training.data.scenes.material import Material
from kws_training.data.scenes.moments import Grid, Told, targets
from kws_training.data.scenes.render import render_scenes
from kws_training.data.scenes.scene_config import SceneConfig
from kws_training.data.scenes.scene_epochs import SceneEpochs
from kws_training.data.scenes.speech_set import SpeechSet

from tests.support.speech import write_speech

LABELS = LabelSet.of_words(["yes", "no"])
FRONTEND = FrontendConfig(feature_mean=(1.0,) * 40, feature_std=(2.0,) * 40)
GRID = Grid.of(SceneConfig(), FRONTEND)
SILENT, OTHER, YES, IGNORED = [1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]


def speech_of(pcm, said=(), known=True):
    said = np.array(said, np.int64).reshape(-1, 2)
    return SpeechSet(pcm, np.array([0, len(pcm)]), ("a.wav",), (said,), np.array([known]))


def clips():
    """Words of 0.5 s in the middle: yes and no are tones, the unknown one is noise."""
    rng, time_s = np.random.default_rng(0), np.arange(8000) / 16000
    words = [np.sin(2 * np.pi * 400 * time_s), np.sin(2 * np.pi * 900 * time_s), rng.normal(0, 0.7, 8000)]
    pcm = np.zeros((6, 16000), np.int16)
    pcm[:, 4000:12000] = 8000 * np.array(words * 2) * np.hanning(8000)
    labels = np.array([2, 3, 1] * 2)
    names = tuple(LABELS[label] for label in labels)
    return ClipSet(pcm, labels, names, names, (rng.normal(0, 500, 20000).astype(np.int16),), LABELS)


def material(pcm=None, said=()):
    if pcm is None:
        pcm = np.random.default_rng(1).integers(-3000, 3000, 160_000).astype(np.int16)
    return Material.of(speech_of(pcm, said), clips())


def found_at(samples=(), believed=()):
    return HardMoments(
        np.zeros(len(samples), np.int64),
        np.array(samples, np.int64),
        np.full(len(samples), 0.5),
        np.array(believed, np.int64).reshape(-1, 3),
    )


def test_grid_first_moment_is_when_a_clip_has_been_heard():
    assert GRID.samples == 32000
    assert GRID.ends == (98, 108, 118, 128, 138, 148, 158, 168, 178, 188, 198)
    assert GRID.times[0] == 16000 and GRID.times[-1] == 32000


def test_targets_of_a_keyword_are_asked_for_behind_its_end_only():
    right = targets(Told(keyword=(14000, 20000, 2)), GRID, LABELS, SceneConfig(heard_s=0.35, passed_s=0.6))
    # Moments at 1.0, 1.1, ... 2.0 s; the word from 0.875 to 1.25 s: a quarter of it has been said at 0.97 s.
    assert right.tolist() == [IGNORED] * 3 + [YES] * 4 + [IGNORED] * 2 + [OTHER] * 2


def test_targets_of_a_keyword_that_leaves_the_window_are_not_asked_for():
    right = targets(Told(keyword=(4000, 16000, 2)), GRID, LABELS, SceneConfig())
    assert right.tolist()[:5] == [YES, YES, YES, YES, IGNORED]  # 22400 - 4000 is more than the window
    long = targets(Told(keyword=(2000, 18000, 2)), GRID, LABELS, SceneConfig())
    assert long.tolist()[:5] == [IGNORED, IGNORED, YES, YES, IGNORED]


def test_targets_around_a_keyword_in_running_speech_are_never_unknown():
    config = SceneConfig(passed_s=0.5)
    right = targets(Told(ignored=np.array([[18000, 22000]])), GRID, LABELS, config)
    unasked = (GRID.times > 19000) & (GRID.times < 30000)
    assert unasked.sum() == 7
    assert [row.tolist() for row in right] == [IGNORED if none else OTHER for none in unasked]
    both = targets(Told(keyword=(14000, 20000, 2), ignored=np.array([[18000, 22000]])), GRID, LABELS, config)
    assert not both[unasked].any() and both[3].tolist() == IGNORED


def test_targets_without_anybody_speaking_are_silence():
    assert targets(Told(silent=True), GRID, LABELS, SceneConfig()).tolist() == [SILENT] * 11


def test_draw_speech_tells_where_keywords_are_at_any_speed():
    pcm = np.zeros(160_000, np.int16)
    pcm[100_000:104_000] = 9000  # the only sound is the keyword
    source, seen = material(pcm, [(100_000, 104_000)]), 0
    for seed in range(40):
        heard, said = source.draw_speech(np.random.default_rng(seed), 32000, 0.15)
        loud = np.flatnonzero(heard > 4000)
        for begin, end in said:
            inside = loud[(loud >= begin - 2) & (loud < end + 2)]
            assert len(inside) == len(loud)
            if begin >= 0 and end <= 32000:
                seen += 1
                assert abs(loud[0] - begin) <= 2 and abs(loud[-1] + 1 - end) <= 2
        assert len(said) or not len(loud)
    assert seen > 3


def test_draw_speech_around_hard_moments_holds_them_and_believed_words_are_told():
    pcm = np.arange(160_000, dtype=np.int64).astype(np.int16)  # wraps: the slope tells the place
    source, found = material(np.clip(pcm, 0, None)), found_at([80_000], [(0, 70_000, 79_000)])
    for seed in range(20):
        rng = np.random.default_rng(seed)
        _, said = source.draw_speech(rng, 32000, 0.0, found, hard=True)
        begin, end = said[0]
        assert end - begin == 9000 and 15_000 - 1 <= end <= 31_000 + 1  # the moment, 1,000 later, in the second half


def test_render_scenes_is_a_function_of_its_numbers():
    source, config = material(), SceneConfig()
    features, right = render_scenes(source, 12, 1, 2, 3, config, FRONTEND)
    again = render_scenes(source, 12, 1, 2, 3, config, FRONTEND)
    assert features.tobytes() == again[0].tobytes() and right.tobytes() == again[1].tobytes()
    assert features.shape == (12, 198, 40) and features.dtype == np.float16 and right.shape == (12, 11, 4)
    assert features.tobytes() != render_scenes(source, 12, 1, 2, 4, config, FRONTEND)[0].tobytes()


def test_render_scenes_with_shares_of_one_kind_gives_that_kind():
    kinds = {
        "speech": (1.0, 0.0, 0.0),
        "keywords": (0.0, 1.0, 1.0),
        "others": (0.0, 1.0, 0.0),
        "quiet": (0.0, 0.0, 0.0),
    }
    asked = {}
    for kind, (speech, words, keywords) in kinds.items():
        config = SceneConfig(speech=speech, words=words, keywords=keywords)
        _, right = render_scenes(material(), 16, 1, 0, 0, config, FRONTEND)
        asked[kind] = {tuple(row) for row in right.reshape(-1, 4).tolist()}
    assert asked["speech"] == asked["others"] == {tuple(OTHER)} and asked["quiet"] == {tuple(SILENT)}
    assert {tuple(YES), (0, 0, 0, 1), tuple(OTHER), tuple(IGNORED)} == asked["keywords"]


def test_render_scenes_every_keyword_scene_has_a_moment_with_its_keyword():
    config = SceneConfig(speech=0, words=1, keywords=1, resample=0.15)
    _, right = render_scenes(material(), 64, 1, 0, 0, config, FRONTEND)
    assert right[:, :, 2:].any((1, 2)).all()


def test_epoch_renderer_renders_scenes_beside_clips_alike_in_workers_here_and_from_a_cache(tmp_path):
    speech, _ = load_speech([SpeechFolder(write_speech(tmp_path / "speech", 3))], LABELS.keywords)
    file = tmp_path / "hard.npz"
    np.savez(file, **found_at([50_000, 90_000]).arrays())
    config, training = AugmentConfig(), clips()
    scenes = SceneEpochs(Material.of(speech, training), 5, SceneConfig(hard_share=1.0), FRONTEND, 40, {1: file})
    expected = []
    with EpochRenderer(training, 5, config, FRONTEND, workers=0, scenes=scenes) as renderer:
        expected += [renderer.epoch(epoch) for epoch in range(3)]
    assert [len(array) for array in expected[0]] == [6, 6, 40, 40]
    with EpochRenderer(
        training, 5, config, FRONTEND, workers=1, scenes=scenes, cache=tmp_path / "cache", last_epoch=2
    ) as renderer:
        for epoch in (0, 2, 1):
            for array, here in zip(renderer.epoch(epoch), expected[epoch], strict=True):
                assert array.tobytes() == here.tobytes()
    other = dataclasses.replace(scenes, render=None) if hasattr(scenes, "_render") else scenes
    with EpochRenderer(training, 5, config, FRONTEND, workers=0, scenes=other, cache=tmp_path / "cache") as renderer:
        renderer._sources = [None, None]  # nothing may be rendered now
        assert renderer.epoch(2)[2].tobytes() == expected[2][2].tobytes()
    unaware = dataclasses.replace(scenes, rounds={})
    assert unaware.found(2) is None and scenes.found(1) is None and scenes.found(2) == file
    assert unaware.render(unaware.jobs(2)[0])[0].tobytes() != expected[2][2][:32].tobytes()


def speech_folder(root, transcript=None, times=None):
    rng = np.random.default_rng(0)
    for speaker in range(3):
        for name in ("a", "b"):
            path = root / f"s{speaker}" / f"{name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, rng.integers(-900, 900, 16000 + 100 * speaker).astype(np.int16), 16000)
    if transcript:
        lines = [f"s{s}/{n}.wav\t{text}" for s in range(3) for n, text in zip("ab", transcript, strict=True)]
        (root / "texts.tsv").write_text("\n".join(lines))
    if times:
        (root / "words.tsv").write_text("".join(f"s{s}/a.wav\t{times}\n" for s in range(3)))
    return SpeechFolder(root)


def test_load_speech_with_transcripts_leaves_out_what_says_a_keyword_or_sounds_like_one(tmp_path, caplog):
    folder = speech_folder(tmp_path / "talk", ("I know that", "a cat sat"))
    with caplog.at_level("INFO"):
        training, validation = load_speech([folder], ("no", "yes"))
    assert "3 left out whose transcripts name a keyword" in caplog.text
    names = {*training.names, *validation.names}
    assert names == {f"talk/s{speaker}/b.wav" for speaker in range(3)}
    assert len(validation) == 1 and not {*training.names} & {*validation.names}
    assert training.known.all() and not any(len(words) for words in training.said)


def test_load_speech_with_word_times_keeps_recordings_and_tells_where_keywords_are(tmp_path):
    folder = speech_folder(tmp_path / "talk", ("I know that", "a cat sat"), "0.25\t0.5\tknow")
    training, validation = load_speech([folder], ("no", "yes"))
    assert len(training) + len(validation) == 6
    for name, words in zip(training.names, training.said, strict=True):
        assert words.tolist() == ([[4000, 8000]] if name.endswith("a.wav") else [])


def test_load_speech_without_transcripts_says_that_nobody_knows_what_is_said(tmp_path, caplog):
    with caplog.at_level("INFO"):
        training, _ = load_speech([speech_folder(tmp_path / "talk")], ("no", "yes"))
    assert "of 6 nobody knows what is said" in caplog.text and not training.known.any()


def test_load_speech_of_one_speaker_validates_with_the_last_fifth(tmp_path):
    pcm = np.arange(16000, dtype=np.int16)
    (tmp_path / "talk").mkdir()
    soundfile.write(tmp_path / "talk" / "talk.wav", pcm, 16000)
    training, validation = load_speech([SpeechFolder(tmp_path / "talk")], ("no",))
    np.testing.assert_array_equal(training.recording(0), pcm[:12800])
    np.testing.assert_array_equal(validation.recording(0), pcm[12800:])


def test_load_speech_with_nothing_left_to_train_with_is_refused(tmp_path):
    folder = speech_folder(tmp_path / "talk", ("I know that", "no no"))
    with pytest.raises(KwsError, match="every recording of .* says a keyword"):
        load_speech([folder], ("no", "yes"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"speech": 0.7}, "speech and words are shares of the same scenes"),
        ({"heard_s": 1.0}, "heard_s is above passed_s"),
        ({"frames": 50}, "scene frames: use 98 to 2000. Received: 50"),
    ],
)
def test_scene_config_out_of_range_says_so(fields, message):
    with pytest.raises(KwsError, match=message):
        SceneConfig(**fields)


def test_hard_moments_of_a_damaged_file_are_refused_in_one_line(tmp_path):
    (tmp_path / "hard_moments_003.npz").write_bytes(b"nothing")
    with pytest.raises(KwsError, match="missing or damaged .* another --out"):
        read_hard_moments(tmp_path / "hard_moments_003.npz")
