import math

import pytest
import torch

from ser.pretraining.workers import Discriminator, Regression, Waveform, Workers


def test_regression_compares_each_place_with_its_seven_frames_of_context():
    worker = Regression(channels=2, dimensions=1, hidden=4)
    target = torch.arange(20.0)[None, None]  # frame t holds the number t
    places = torch.tensor([5, 9])
    with torch.no_grad():
        worker.layers[2].weight.zero_()
        worker.layers[2].bias.zero_()
    expected = torch.tensor([[place + shift for shift in range(-3, 4)] for place in (5.0, 9.0)]).square().mean()
    assert worker(torch.randn(1, 2, 20), target, places).item() == pytest.approx(expected.item())


def test_regression_puts_each_dimensions_context_side_by_side():
    worker = Regression(channels=1, dimensions=2, hidden=1)
    target = torch.stack([torch.arange(9.0), 100 + torch.arange(9.0)])[None]
    wanted = [4.0 + shift for shift in range(-3, 4)]
    with torch.no_grad():
        worker.layers[2].weight.zero_()
        worker.layers[2].bias.copy_(torch.tensor([*wanted, *(100 + value for value in wanted)]))
    assert worker(torch.zeros(1, 1, 9), target, torch.tensor([4])).item() == 0


def test_waveform_decoder_gives_160_samples_a_frame():
    decoder = Waveform(channels=8, maps=(4, 4, 4))
    assert decoder.layers(torch.randn(2, 8, 25)).shape == (2, 1, 25 * 160)


def test_discriminators_loss_is_the_binary_cross_entropy_of_both_kinds_of_pair():
    discriminator = Discriminator(channels=3, hidden=5)
    anchor, positive, negative = torch.randn(3, 7, 3, generator=torch.Generator().manual_seed(0))
    logits = discriminator.layers(torch.cat([torch.cat([anchor, positive], 1), torch.cat([anchor, negative], 1)]))
    labels = torch.cat([torch.ones(7, 1), torch.zeros(7, 1)])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
    torch.testing.assert_close(discriminator(anchor, positive, negative), expected)


def test_undecided_discriminator_loses_log_2():
    discriminator = Discriminator(channels=3, hidden=5)
    with torch.no_grad():
        discriminator.layers[2].weight.zero_()
        discriminator.layers[2].bias.zero_()
    assert discriminator(*torch.randn(3, 4, 3)).item() == pytest.approx(math.log(2))


@pytest.mark.slow
def test_mutual_information_is_learned_where_chunks_differ_and_not_where_they_do_not():
    def loss_after_training(spread: float) -> float:
        """Chunks whose frames share a vector of that spread; the encoder is left out."""
        other = (torch.arange(16) + 1) % 16
        torch.manual_seed(0)
        workers = Workers(channels=6, dimensions={}, hidden=16, maps=(2, 2, 2))
        optimizer = torch.optim.Adam(workers.parameters(), lr=0.01)
        draw, losses = torch.Generator().manual_seed(0), []
        for _ in range(150):
            shared = spread * torch.randn(16, 6, 1)
            frames, halves = shared + torch.randn(16, 6, 30), shared + torch.randn(16, 6, 15)
            loss = workers(frames, {}, torch.zeros(16, 4800), draw, 10, halves, other)["lim"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return sum(losses[-20:]) / 20

    assert loss_after_training(spread=3.0) < 0.4
    assert loss_after_training(spread=0.0) > 0.65


def test_every_worker_reports_a_loss_and_reaches_the_frames():
    workers = Workers(channels=6, dimensions={"a": 3, "b": 2}, hidden=8, maps=(4, 4, 4))
    frames, halves = (torch.randn(3, 6, length, requires_grad=True) for length in (20, 10))
    targets = {"a": torch.randn(3, 3, 20), "b": torch.randn(3, 2, 20)}
    other = torch.tensor([1, 2, 0])
    losses = workers(frames, targets, torch.randn(3, 3200), torch.Generator().manual_seed(0), 8, halves, other)
    assert list(losses) == ["a", "b", "waveform", "lim", "gim"]
    for name, loss in losses.items():
        for read in (frames, halves) if name in ("lim", "gim") else (frames,):
            (gradient,) = torch.autograd.grad(loss, read, retain_graph=True)
            assert gradient.abs().sum() > 0


def test_discriminators_hold_a_first_half_against_its_own_second_half_and_anothers():
    workers, seen = Workers(channels=2, dimensions={}, hidden=4, maps=(2, 2, 2), idle=("waveform",)), {}
    for name, worker in (("lim", workers.lim), ("gim", workers.gim)):
        worker.register_forward_pre_hook(lambda _, inputs, name=name: seen.update({name: inputs}))
    chunk = torch.arange(3.0)[:, None, None].expand(3, 2, 1)
    frames = torch.cat([chunk.expand(3, 2, 10), torch.full((3, 2, 10), float("nan"))], dim=2)  # its own second half
    other = torch.tensor([2, 0, 1])
    workers(frames, {}, torch.zeros(3, 3200), torch.Generator().manual_seed(0), 4, 10 + chunk.expand(3, 2, 10), other)
    for name, count in (("lim", 4), ("gim", 1)):
        anchor, positive, negative = (part[:, 0].tolist() for part in seen[name])
        assert anchor == [row for row in (0, 1, 2) for _ in range(count)]
        assert positive == [row for row in (10, 11, 12) for _ in range(count)]
        assert negative == [row for row in (12, 10, 11) for _ in range(count)]


def test_idle_workers_are_left_out_and_the_others_draw_the_same_frames():
    def losses(idle: tuple[str, ...]) -> dict[str, float]:
        workers = Workers(channels=4, dimensions={"first": 2, "second": 3}, hidden=8, maps=(2, 2, 2), idle=idle)
        with torch.no_grad():
            for parameter in workers.parameters():
                parameter.fill_(0.1)
        draw = torch.Generator().manual_seed(0)
        frames = torch.randn(3, 4, 20, generator=draw)
        targets = {"first": torch.randn(3, 2, 20, generator=draw), "second": torch.randn(3, 3, 20, generator=draw)}
        waveform, halves = torch.randn(3, 3200, generator=draw), torch.randn(3, 4, 10, generator=draw)
        found = workers(frames, targets, waveform, draw, 8, halves, torch.tensor([1, 2, 0]))
        assert list(found) == workers.names
        return {name: loss.item() for name, loss in found.items()}

    whole = losses(())
    assert list(whole) == ["first", "second", "waveform", "lim", "gim"]
    kept = losses(("first", "waveform", "lim"))
    assert kept == {name: whole[name] for name in ("second", "gim")}
