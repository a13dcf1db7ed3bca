"""The parts of the experiment that its tables rest on."""

from itertools import product
from pathlib import Path

import numpy as np
import tables
import torch
from hippocampus import crops, data, judging, training
from hippocampus import report as hippocampus_report
from intervals import Difference, bootstrap, differences, random_effects
from network import UNet
from nuclei import judging as nuclei_judging
from nuclei import report as nuclei_report
from nuclei import training as nuclei_training
from nuclei.data import Image
from scipy import ndimage, stats
from windows import predict

from soft_labels import metrics

torch.set_num_threads(1)
PAGE = Path(__file__).parents[2] / "docs" / "experiment.md"


def drawn_volume(seed: int) -> data.Volume:
    random = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(random.normal(size=(18, 35, 27)), 3)
    labels = np.digitize(field, np.quantile(field, [0.8, 0.9])).astype(np.uint8)
    return data.Volume(f"drawn {seed}", (labels + random.normal(0, 0.5, labels.shape)).astype(np.float32), labels)


def test_random_effects_of_one_factor_is_the_t_interval_of_its_means():
    means = np.array([0.1, 0.4, 0.2, -0.3, 0.6])
    expected = stats.t.interval(0.99, 4, means.mean(), stats.sem(means))
    # The other factor and the rest are 0.
    of_seeds = np.repeat(means[:, None], 50, axis=1)
    np.testing.assert_allclose(random_effects(of_seeds, 0.01), expected, rtol=1e-12)
    np.testing.assert_allclose(random_effects(of_seeds.T, 0.01), expected, rtol=1e-12)
    assert random_effects(np.full((5, 50), 0.25), 0.05) == (0.25, 0.25)


def test_random_effects_cover_what_they_say_at_the_levels_of_the_tables():
    random = np.random.default_rng(0)
    for seeds, cases, rest in ((1.0, 0.7, 1.0), (0.3, 0.7, 1.0), (1.0, 0.0, 0.3), (0.0, 0.2, 1.0), (0.3, 2.0, 1.0)):
        tables = [
            random.normal(0, seeds, (5, 1)) + random.normal(0, cases, (1, 50)) + random.normal(0, rest, (5, 50))
            for _ in range(4000)
        ]
        for level in (0.05, 0.005):
            missed = sum(not low <= 0 <= high for low, high in (random_effects(table, level) for table in tables))
            # Three standard deviations above what is meant.
            assert missed < level * len(tables) + 3 * (level * len(tables)) ** 0.5, (seeds, cases, rest, level, missed)


def test_bootstrap_has_the_percentiles_of_all_draws():
    values = np.array([[0.0, 1.0, 5.0], [2.0, -1.0, 3.0]])
    every = [values[np.ix_(s, c)].mean() for s in product(range(2), repeat=2) for c in product(range(3), repeat=3)]
    for level in (0.05, 0.3, 0.5):
        expected = np.quantile(every, [level / 2, 1 - level / 2], method="inverted_cdf")
        np.testing.assert_allclose(bootstrap(values[None], level, 400_000)[0], expected, atol=1e-9)


def test_a_difference_is_claimed_only_if_both_intervals_say_so():
    random = np.random.default_rng(1)
    # With one seed of five that is far off the bootstrap is sure, and a t interval of four degrees of freedom is not.
    seeds = np.array([0.02, 0.03, 0.02, 0.04, 0.6])[:, None]
    one, other = seeds + random.normal(0, 0.01, (5, 50)), 1 + random.normal(0, 0.1, (5, 50))
    doubtful, sure = differences([one, other])
    assert doubtful.bootstrap[0] > 0 > doubtful.random_effects[0]
    assert not doubtful.claimed and sure.claimed


def test_a_cell_says_what_is_better_and_what_may_be_chance():
    cell = tables.cell
    assert cell(Difference(0.2, (0.1, 0.3), (0.05, 0.35)), True) == "**+0.2000 (+0.0500 to +0.3500)**"
    assert cell(Difference(0.2, (0.1, 0.3), (0.01, 0.39)), False) == "*+0.2000 (+0.0100 to +0.3900)*†"
    assert cell(Difference(0.2, (0.1, 0.3), (-0.1, 0.5)), True) == "+0.2000 (-0.1000 to +0.5000)"
    assert cell(Difference(-0.2, (-0.3, -0.1), (-0.25, -0.15)), False) == "**-0.2000 (-0.3000 to -0.1000)**"


def test_the_band_holds_the_voxels_near_another_class():
    labels = drawn_volume(3).labels
    distances = np.full(labels.shape, np.inf)
    for label in range(3):
        apart = ndimage.distance_transform_edt(labels == label)
        distances[labels == label] = apart[labels == label]
    np.testing.assert_array_equal(judging.band(labels, 2.0), distances <= 2)


def test_targets_change_neither_crops_nor_first_weights():
    volumes = [drawn_volume(1), drawn_volume(2)]
    one, other = crops.Crops(volumes, 7), crops.Crops(volumes, 7)
    for _ in range(5):
        first, second = one.draw(), other.draw()
        first.target(training.TARGETS["SVLS"])
        assert torch.equal(first.image, second.image)
        np.testing.assert_array_equal(first.labels, second.labels)
        one_hot = first.target(training.TARGETS["one-hot"])
        assert one_hot.shape == (3, *crops.SIZE) and torch.equal(one_hot.sum(0), torch.ones(crops.SIZE))


def test_a_network_learns_and_is_judged():
    torch.manual_seed(0)
    network = UNet(3, 3)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    volume = drawn_volume(4)
    drawn = crops.Crops([volume], 0)
    losses = []
    for _ in range(12):
        crop = drawn.draw()
        loss = training.LOSSES["Dice + CE"](network(crop.image[None]), crop.target(training.TARGETS["SVLS"])[None])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    logits = predict(network.eval(), volume.image, crops.SIZE, training.STEP)
    plain, flat = judging.judge(volume, logits, [1.0, 1e9])
    assert plain["dsc_1"] == flat["dsc_1"]
    assert abs(flat["nll"] - np.log(3)) < 1e-6
    assert abs(plain["nll"] - metrics.nll(judging.softmax(logits), volume.labels, 3)) < 1e-12


def drawn_image() -> Image:
    random = np.random.default_rng(5)
    field = ndimage.gaussian_filter(random.normal(size=(192, 160)), 4)
    experts = [(field > np.quantile(field, at)).astype(np.uint8) for at in (0.9, 0.92, 0.95, 0.96, 0.97)]
    marked = np.argwhere(np.any(experts, axis=0))
    return Image("drawn", field.astype(np.float32), experts, experts[2], experts[2], marked)


def test_crops_of_nuclei_turn_labels_with_their_pixels():
    image = drawn_image()
    # Pixels that say which place they are.
    places = np.arange(image.pixels.size, dtype=np.float32).reshape(image.pixels.shape)
    known = Image("places", places, image.experts, image.majority, image.staple, image.marked)
    nuclei_training.GAIN, saved = 0.0, (nuclei_training.GAIN, nuclei_training.OFFSET, nuclei_training.NOISE)
    nuclei_training.OFFSET = nuclei_training.NOISE = 0.0
    try:
        random = np.random.default_rng(0)
        for _ in range(20):
            pixels, soft = nuclei_training.crop(known, "expert 2", random)
            at = pixels[0].astype(int)
            np.testing.assert_array_equal(soft[1], image.experts[1].ravel()[at])
    finally:
        nuclei_training.GAIN, nuclei_training.OFFSET, nuclei_training.NOISE = saved


def test_calibration_of_nuclei_counts_each_expert():
    image = drawn_image()
    p = 1 / (1 + np.exp(-np.random.default_rng(0).normal(0, 2, image.pixels.shape)))
    bins = metrics.Reliability(nuclei_judging.BINS)
    for expert in image.experts:
        bins = bins + metrics.reliability(np.stack([1 - p, p]), expert, 2, bins=nuclei_judging.BINS)
    share = np.mean(image.experts, axis=0)
    assert abs(nuclei_judging.ece(p, share) - bins.ece) < 1e-9
    drawn = nuclei_judging.samples(p)
    assert abs(np.mean(drawn) - p.mean()) < 0.01


def test_the_page_has_the_tables_of_the_published_rows():
    page = PAGE.read_text(encoding="utf-8")
    found = hippocampus_report.results()
    for setting, loss in (("plain", "Dice + CE"), ("plain", "CE")):
        assert hippocampus_report.means(found, setting, loss, "as they are") in page
    for table in nuclei_report.means(nuclei_report.results()):
        assert table in page
