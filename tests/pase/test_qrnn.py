import torch

from ser.pase.qrnn import QRNNLayer, forget_mult


def test_recurrence_equals_the_loop_over_frames():
    generator = torch.Generator().manual_seed(0)
    f, z = torch.rand(2, 3, 37, generator=generator), torch.randn(2, 3, 37, generator=generator)
    state, expected = torch.zeros(2, 3), []
    for frame in range(37):
        state = f[..., frame] * z[..., frame] + (1 - f[..., frame]) * state
        expected.append(state)
    torch.testing.assert_close(forget_mult(f, z), torch.stack(expected, dim=-1))


def test_one_frame_is_its_own_gated_value():
    f, z = torch.full((1, 1, 1), 0.25), torch.full((1, 1, 1), 8.0)
    assert forget_mult(f, z).item() == 2.0


def test_layer_sees_the_current_frame_first_and_zeros_before_the_first():
    layer = QRNNLayer(inputs=1, units=1)
    with torch.no_grad():
        layer.linear.bias.zero_()
        # Rows: z, f, o. Columns: current frame, previous frame.
        layer.linear.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    frames = torch.tensor([[[0.5, -1.0]]])
    z = torch.tanh(frames[0, 0])
    f = torch.sigmoid(torch.tensor([0.0, 0.5]))
    first = f[0] * z[0]
    second = f[1] * z[1] + (1 - f[1]) * first
    torch.testing.assert_close(layer(frames)[0, 0], 0.5 * torch.stack([first, second]))
