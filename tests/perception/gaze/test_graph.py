"""The graph convolution unit against loops, and what it must not depend on."""

import numpy as np
import pytest
import torch

from objwrappers.perception.gaze.graph import GraphUnit, clusters


def unit(channels=3, vertices=5, outputs=None, dtype=torch.float64):
    torch.manual_seed(0)
    graph = GraphUnit(channels, vertices, outputs).to(dtype)
    with torch.no_grad():
        graph.scales.copy_(torch.randn_like(graph.scales))
    return graph


def by_loops(graph, features):
    anchors, deviations = graph.anchors.detach().numpy(), graph.deviations.detach().numpy()
    weight = graph.weight.detach().numpy()
    out = np.zeros((len(features), weight.shape[1], *features.shape[2:]))
    for b, image in enumerate(features.numpy()):
        cells = [image[:, i, j] for i in range(image.shape[1]) for j in range(image.shape[2])]
        belonging = np.zeros((len(cells), len(anchors)))
        for i, cell in enumerate(cells):
            for k, (anchor, deviation) in enumerate(zip(anchors, deviations, strict=True)):
                belonging[i, k] = np.exp(-0.5 * np.sum(((cell - anchor) / deviation) ** 2))
            belonging[i] /= belonging[i].sum()
        vertices = []
        for k, (anchor, deviation) in enumerate(zip(anchors, deviations, strict=True)):
            terms = [belonging[i, k] * (cell - anchor) / deviation for i, cell in enumerate(cells)]
            vertex = sum(terms) / belonging[:, k].sum()
            vertices.append(vertex / np.linalg.norm(vertex))
        z = np.stack(vertices)
        said = np.maximum(z @ z.T @ z @ weight, 0)
        for i in range(len(cells)):
            out[b, :, i // image.shape[2], i % image.shape[2]] = belonging[i] @ said
    return out


@pytest.mark.parametrize("vertices, outputs", [(1, None), (5, 4), (7, 2)])
def test_it_is_what_loops_give(vertices, outputs):
    graph = unit(vertices=vertices, outputs=outputs)
    features = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    with torch.no_grad():
        found = graph(features)
        np.testing.assert_allclose(found.numpy(), by_loops(graph, features), atol=1e-10)
        single = graph.float()(features.float())
    np.testing.assert_allclose(single.numpy(), found.numpy(), rtol=1e-5, atol=1e-5)


def test_rows_of_belonging_sum_to_1():
    graph = unit(dtype=torch.float32)
    belonging = graph.assign(10 * torch.randn(2, 30, 3))
    assert belonging.shape == (2, 30, 5) and belonging.min() >= 0
    torch.testing.assert_close(belonging.sum(-1), torch.ones(2, 30))


@torch.no_grad()
def test_the_order_of_pixels_and_of_vertices():
    graph, features = unit(), torch.randn(2, 3, 4, 5, dtype=torch.float64)
    found = graph(features)
    order = torch.randperm(20)
    permuted = graph(features.flatten(2)[..., order].view_as(features))
    torch.testing.assert_close(permuted.flatten(2), found.flatten(2)[..., order])
    other = torch.randperm(5)
    graph.anchors.copy_(graph.anchors[other].clone())
    graph.scales.copy_(graph.scales[other].clone())
    torch.testing.assert_close(graph(features), found)


def test_gradients_are_those_of_differences():
    graph = unit(channels=2, vertices=3)
    features = torch.randn(1, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    names, values = zip(*graph.named_parameters(), strict=True)

    def function(features, *values):
        return torch.func.functional_call(graph, dict(zip(names, values, strict=True)), features)

    # The anchors' mean is taken off both sides: it has no gradient of its own.
    assert torch.autograd.gradcheck(function, (features, *values))


@pytest.mark.parametrize("far", [3.0, 5.0, 8.0, 12.0, 20.0, 1e4])
def test_a_vertex_that_little_belongs_to_stays_finite(far):
    graph = unit(dtype=torch.float32)
    with torch.no_grad():
        graph.anchors[2] = far
    features = torch.randn(1, 3, 4, 5, requires_grad=True)
    found = graph(features)
    assert torch.isfinite(found).all()
    found.sum().backward()
    for tensor in (features, *graph.parameters()):
        assert torch.isfinite(tensor.grad).all() and tensor.grad.abs().max() < 1e3


def test_vertices_begin_where_clusters_are():
    torch.manual_seed(0)
    true = torch.tensor([[0.0, 4.0], [4.0, 0.0], [9.0, 9.0]])
    spread = torch.tensor([[0.1, 0.5], [0.3, 0.2], [0.01, 2.0]])
    label = torch.arange(3000) % 3
    cells = true[label] + spread[label] * torch.randn(3000, 2)
    centres, deviations = clusters(cells, 3)
    order = centres[:, 0].argsort()
    torch.testing.assert_close(centres[order], true, atol=0.2, rtol=0)
    torch.testing.assert_close(deviations[order], spread, atol=0.15, rtol=0)
    graph = GraphUnit(2, 3)
    graph.start_from(centres, deviations)
    assert torch.equal(graph.anchors, centres)
    torch.testing.assert_close(graph.deviations, deviations.clamp(0.05, 0.95))
    with pytest.raises(ValueError, match=r"Clusters must be \(3, 2\), got \(2, 2\)"):
        graph.start_from(centres[:2], deviations)
    with pytest.raises(ValueError, match="5 clusters need as many cells, got 4"):
        clusters(cells[:4], 5)


def test_numbers_below_1_are_refused():
    with pytest.raises(ValueError, match="must be at least 1, got 4, 0 and 4"):
        GraphUnit(4, 0)


@pytest.mark.gpu
def test_cuda_gives_what_the_processor_gives():
    graph = unit(channels=64, vertices=32, dtype=torch.float32)
    features = torch.randn(4, 64, 9, 9)
    on_processor = graph(features)
    with torch.autocast("cuda"):
        on_cuda = graph.cuda()(features.cuda())
    torch.testing.assert_close(on_cuda.cpu(), on_processor, rtol=1e-3, atol=1e-3)
