import numpy as np
import pytest
import torch

from ser.files.failures import InputError
from ser.pretraining.teacher import Distillation, Teacher, TeacherParams, activity, counted, pool
from ser.whisper.encoder import WhisperEncoder

SAMPLES = 16_000  # 50 states


@pytest.fixture(scope="module")
def network() -> WhisperEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = WhisperEncoder(width=8, inner=16, blocks=3, heads=2, positions=50)
        network.positions.normal_(0, 3)  # a code of the position that outweighs the signal
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def chunks() -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    return [0.1 * torch.rand(16, 1, generator=draw) * torch.randn(16, SAMPLES, generator=draw) for _ in range(3)]


@pytest.fixture(scope="module")
def teacher(network, chunks) -> Teacher:
    return Teacher(network, TeacherParams(layers=("block1", "block3"), clip=100.0), chunks)


def test_states_are_normalised_and_free_of_the_code_of_their_position(teacher, chunks):
    states = torch.cat([teacher(chunk).states for chunk in chunks])
    assert states.shape == (48, teacher.dimensions, 50)
    assert states.mean(0).abs().max() < 1e-3  # at each position by itself
    assert states.square().mean((0, 2)).numpy() == pytest.approx(np.ones(16), abs=0.02)


def test_states_and_pools_are_clipped(network, chunks):
    targets = Teacher(network, TeacherParams(layers=("block2",), clip=0.5), chunks)(chunks[0])
    assert targets.states.abs().max() == 0.5
    assert targets.pooled.abs().max() == 0.5


def test_pools_are_normalised(teacher, chunks):
    batches = [teacher(chunk) for chunk in chunks]
    pooled = torch.cat([targets.pooled[targets.counted] for targets in batches])
    assert pooled.mean(0).abs().max() < 1e-3
    assert pooled.square().mean().item() == pytest.approx(1, abs=0.02)


def test_a_layer_that_the_network_lacks_is_named(network, chunks):
    with pytest.raises(InputError, match=r"pretrain.teacher.layers: expected names out of block1, .*, found block7"):
        Teacher(network, TeacherParams(layers=("block1", "block7")), chunks)


def test_active_is_what_lies_within_30_db_of_the_loudest_state():
    loudness = torch.tensor([1.0, 10 ** (-29 / 20), 10 ** (-31 / 20), 0.0])
    assert activity(loudness.repeat_interleave(320)[None]).tolist() == [[1, 1, 0, 0]]


def test_pooling_is_mean_and_deviation_of_the_active_frames_of_the_whole_and_of_both_halves():
    draw = np.random.default_rng(0)
    frames, active = draw.normal(size=(2, 3, 40)), draw.random((2, 40)) < 0.6
    pooled = pool(torch.from_numpy(frames), torch.from_numpy(active.astype(float)))
    for row in range(2):
        for place, part in enumerate((slice(None), slice(20), slice(20, None))):
            chosen = frames[row, :, part][:, active[row, part]]
            expected = [*chosen.mean(1), *chosen.std(1)]
            np.testing.assert_allclose(pooled[row, place], expected, rtol=1e-6)


def test_a_part_counts_from_ten_active_states_on():
    active = torch.zeros(2, 60)
    active[0, :10] = active[1, 25:34] = 1
    assert counted(active).tolist() == [[True, True, False], [False, False, False]]


def test_the_worker_knows_nothing_at_first_and_sends_nothing_to_the_encoder(teacher, chunks):
    frames = torch.randn(16, 6, 100, requires_grad=True)
    targets = teacher(chunks[0])
    losses = Distillation(6, teacher.dimensions)(frames, targets)
    assert list(losses) == ["teacher", "teacher_pooled"]
    active = targets.active[:, None].expand_as(targets.states) > 0
    assert losses["teacher"].item() == pytest.approx(targets.states[active].square().mean().item(), rel=0.2)
    sum(losses.values()).backward()
    assert not frames.grad.any()


def test_the_worker_learns_from_frames_that_tell_the_states(teacher, chunks):
    torch.manual_seed(0)
    worker = Distillation(16, teacher.dimensions)
    targets = teacher(chunks[0])
    # An encoder that says each state at its own time, sample 320 s, and 10 ms later: frames 2 s - 1 and 2 s.
    twice = targets.states.repeat_interleave(2, 2)
    frames = torch.cat([twice[..., 1:], twice[..., -1:]], 2)
    optimizer = torch.optim.Adam(worker.parameters(), lr=0.05)
    for _ in range(200):
        losses = worker(frames, targets)
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    assert losses["teacher"].item() < 0.01
    assert losses["teacher_pooled"].item() < 0.1


@pytest.mark.parametrize("idle", ["teacher", "teacher_pooled"])
def test_an_idle_task_is_left_out_with_its_layer(teacher, chunks, idle):
    whole, part = Distillation(6, teacher.dimensions), Distillation(6, teacher.dimensions, idle=(idle,))
    frames, targets = torch.randn(16, 6, 100), teacher(chunks[0])
    part.load_state_dict({name: whole.state_dict()[name] for name in part.state_dict()})
    losses = whole(frames, targets)
    del losses[idle]
    assert part(frames, targets) == losses
    assert part.names == list(losses)
    assert len(part.state_dict()) == 2


def test_silence_gives_finite_losses(teacher):
    losses = Distillation(6, teacher.dimensions)(torch.zeros(2, 6, 100), teacher(torch.zeros(2, SAMPLES)))
    assert all(loss.isfinite() for loss in losses.values())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layers": ()}, "layers"),
        ({"clip": 0.0}, "clip"),
        ({"layers": ("block1", "block2", "block1")}, "layers: expected each once, found block1 2 times"),
    ],
)
def test_params_out_of_range_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        TeacherParams(**values)
