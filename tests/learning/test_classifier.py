import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from ser.files.failures import InputError
from ser.learning import classifier, curves, descent, fitting
from ser.learning.classifier import Classifier
from ser.learning.recipe import AdversaryParams, Recipe, RobustParams
from tests import builders

LABELS = ["angry", "happy", "sad"]


def params(**changes):
    plain = {"hidden": [16, 8], "dropout": 0.2, "learning_rate": 0.003, "batch_size": 16, "epochs": 12, "patience": 4}
    return builders.train_params(**plain | changes)


def recipe(protocol="kfold", fold=0, emotions=LABELS, **changes):
    return Recipe(list(emotions), params(**changes), '{"extractor": "made"}', protocol, fold)


def speech(speakers=6, each=15, inputs=10, clarity=2.0, colour=1.0, seed=0):
    """Vectors of speakers with an offset of their own (colour) who speak emotions in turn (clarity); the last tests."""
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(speakers), each)
    emotion = np.tile(np.arange(each) % len(LABELS), speakers)
    vectors = random.normal(size=(len(who), inputs)) + colour * random.normal(size=(speakers, inputs))[who]
    vectors += clarity * random.normal(size=(len(LABELS), inputs))[emotion]
    parts = np.select([who == speakers - 1, who >= speakers - 3], ["test", "validation"], "train").astype(object)
    names = np.array([f"made/{number:02d}" for number in who], dtype=object)
    return vectors.astype(np.float32), np.array(LABELS, dtype=object)[emotion], parts, names


def fit(made, data=None):
    return fitting.fit(made, *(data or speech()))


def uar(model, data, part="test"):
    vectors, truth, parts, speakers = data
    guess = np.array(model.recipe.labels)[model.probabilities(vectors, speakers).argmax(axis=1)]
    return recall_score(truth[parts == part], guess[parts == part], average="macro")


class TestNetwork:
    def test_has_linear_batch_norm_relu_dropout_for_each_hidden_layer(self):
        network = Classifier(recipe(hidden=[16, 8]), inputs=10).networks[0].layers
        layer = [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout]
        assert [type(module) for module in network] == [*layer, *layer, nn.Linear]
        assert [module.weight.shape for module in network if isinstance(module, nn.Linear)] == [
            (16, 10),
            (8, 16),
            (3, 8),
        ]

    def test_gives_the_probabilities_of_the_formula(self):
        vectors, _, _, speakers = data = speech()
        model, _ = fit(recipe(hidden=[16]), data)
        state = {key: value.double().numpy() for key, value in model.networks[0].state_dict().items()}
        x = (vectors - state["mean"]) / state["scale"] @ state["layers.0.weight"].T + state["layers.0.bias"]
        x = (x - state["layers.1.running_mean"]) / np.sqrt(state["layers.1.running_var"] + 1e-5)
        x = np.maximum(x * state["layers.1.weight"] + state["layers.1.bias"], 0)
        x = np.exp(x @ state["layers.4.weight"].T + state["layers.4.bias"])
        expected = x / x.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.probabilities(vectors, speakers), expected, atol=1e-6)

    def test_gives_an_utterance_the_same_alone_and_among_others(self):
        vectors, *_ = data = speech()
        model, _ = fit(recipe(), data)
        alone = np.concatenate([model.probabilities(vectors[[row]]) for row in range(5)])
        np.testing.assert_allclose(model.probabilities(vectors)[:5], alone, atol=1e-6)

    def test_shows_its_last_hidden_layer(self):
        vectors, *_ = data = speech()
        model, _ = fit(recipe(hidden=[16, 8]), data)
        seen = []
        model.networks[0].layers[-1].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
        model.train()  # hidden is of evaluation mode whatever the mode was
        hidden = model.hidden(vectors)
        probabilities = model.probabilities(vectors)
        assert hidden.shape == (len(vectors), 8)
        assert hidden.dtype == np.float32
        assert (hidden >= 0).all()
        np.testing.assert_array_equal(hidden, seen[0].float())
        output = model.networks[0].layers[-1]
        logits = hidden @ output.weight.detach().numpy().T + output.bias.detach().numpy()
        np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(axis=1)[:, None], probabilities, atol=1e-6)

    def test_shows_the_last_hidden_layer_of_vectors_normalised_by_speaker(self):
        vectors, *_, speakers = data = speech()
        model, _ = fit(recipe(normalisation="speaker"), data)
        moved = vectors.copy()
        moved[speakers == "made/05"] = 7 * moved[speakers == "made/05"] - 100
        np.testing.assert_allclose(model.hidden(moved, speakers), model.hidden(vectors, speakers), atol=1e-4)

    @pytest.mark.parametrize("method", ["probabilities", "hidden"])
    def test_refuses_vectors_of_another_length(self, method):
        model, _ = fit(recipe())
        with pytest.raises(InputError, match="expected vectors of 10 numbers, found 9"):
            getattr(model, method)(np.zeros((4, 9)))


class TestFit:
    def test_learns_what_can_be_learnt(self):
        data = speech(clarity=2.0)
        assert uar(fit(recipe(epochs=40), data)[0], data) > 0.9

    def test_learns_nothing_where_there_is_nothing_to_learn(self):
        data = speech(clarity=0.0, speakers=12)
        assert uar(fit(recipe(epochs=40), data)[0], data) < 0.6

    @pytest.mark.slow
    def test_is_as_good_as_logistic_regression(self):
        ours, theirs = [], []
        for seed in range(3):
            vectors, truth, parts, _ = data = speech(speakers=12, each=30, inputs=100, clarity=0.35, seed=seed)
            ours.append(uar(fit(recipe(hidden=[64, 32], dropout=0.5, epochs=60, patience=15), data)[0], data, "test"))
            line = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
            line.fit(vectors[parts == "train"], truth[parts == "train"])
            theirs.append(recall_score(truth[parts == "test"], line.predict(vectors[parts == "test"]), average="macro"))
        assert 0.4 < np.mean(theirs) < 0.95
        assert np.mean(ours) > np.mean(theirs) - 0.03

    @pytest.mark.parametrize("normalisation", ["train", "none"])
    def test_never_looks_at_the_test_part(self, normalisation):
        vectors, truth, parts, speakers = speech()
        model, curve = fit(recipe(normalisation=normalisation), (vectors, truth, parts, speakers))
        tested = parts == "test"
        vectors, truth = vectors.copy(), truth.copy()
        vectors[tested], truth[tested] = 1e3, "neutral"
        other, other_curve = fit(recipe(normalisation=normalisation), (vectors, truth, parts, speakers))
        assert _same(model, other)
        assert curve.equals(other_curve)

    def test_takes_no_step_on_the_validation_part(self):
        vectors, truth, parts, speakers = speech()
        model, _ = fit(recipe(epochs=1), (vectors, truth, parts, speakers))
        vectors = vectors.copy()
        vectors[parts == "validation"] = 1e3
        assert _same(model, fit(recipe(epochs=1), (vectors, truth, parts, speakers))[0])

    def test_keeps_the_epoch_with_the_lowest_validation_loss(self):
        vectors, truth, parts, _ = data = speech(clarity=0.5)
        made = recipe(learning_rate=0.02, epochs=30, patience=30, class_weights=False, dropout=0.0)
        model, curve = fit(made, data)
        validating = parts == "validation"
        probabilities = model.probabilities(vectors[validating])
        right = probabilities[np.arange(validating.sum()), [LABELS.index(word) for word in truth[validating]]]
        best = curve["validation_loss"].idxmin()
        assert 0 < best < 29  # the case means nothing unless a middle epoch is the best
        assert -np.log(right).mean() == pytest.approx(curve["validation_loss"][best], abs=1e-5)
        kept = curves.kept(curve)
        assert kept["epoch"].tolist() == [best + 1]
        assert uar(model, data, "validation") == pytest.approx(kept["validation_uar"].item())
        assert uar(model, data, "train") == pytest.approx(kept["train_uar"].item())

    def test_stops_when_patience_ends(self):
        _, curve = fit(recipe(learning_rate=0.02, epochs=200, patience=3), speech(clarity=0.5))
        best = int(curve["validation_loss"].idxmin())
        assert len(curve) == best + 1 + 3 < 200

    def test_curve_has_a_row_an_epoch(self):
        _, curve = fit(recipe(protocol="loso", fold=7, epochs=3, patience=3))
        assert tuple(curve.columns) == fitting.CURVE
        assert curve["epoch"].tolist() == [1, 2, 3]
        assert set(curve["protocol"]) == {"loso"}
        assert set(curve["fold"]) == {7}

    def test_class_weights_lift_a_rare_emotion(self):
        vectors, truth, parts, speakers = speech(each=60, clarity=0.7)
        rare = (truth != "sad") | (np.arange(len(truth)) % 15 == 2) | (parts == "test")  # a fifth of the sad ones
        data = (vectors[rare], truth[rare], parts[rare], speakers[rare])
        recalls = {}
        for weights in (True, False):
            model, _ = fit(recipe(class_weights=weights, epochs=40, patience=40), data)
            sad = (data[1] == "sad") & (data[2] == "test")
            recalls[weights] = (model.probabilities(data[0])[sad].argmax(axis=1) == 2).mean()
        assert recalls[True] > recalls[False] + 0.2

    @pytest.mark.parametrize("count", [2, 16, 17, 31, 33])
    def test_any_number_of_training_utterances_can_be_batched(self, count):
        vectors, truth, parts, speakers = speech(each=30)
        labels = ["angry", "happy"]
        known = np.isin(truth, labels)
        taken = np.flatnonzero((parts == "train") & known)[:count]
        rows = np.concatenate([taken, np.flatnonzero((parts == "validation") & known)])
        _, curve = fit(recipe(emotions=labels, epochs=2), (vectors[rows], truth[rows], parts[rows], speakers[rows]))
        assert len(taken) == count
        assert curve["train_loss"].notna().all()

    def test_refuses_a_training_part_without_an_emotion(self):
        with pytest.raises(InputError, match=r"kfold, fold 0: expected the emotions .*bored.*make `emotions` agree"):
            fit(recipe(emotions=[*LABELS, "bored"]))

    def test_refuses_an_emotion_outside_the_labels(self):
        with pytest.raises(InputError, match="expected the emotions angry, happy in the training part and no others"):
            fit(recipe(emotions=LABELS[:2]))

    def test_refuses_a_single_training_utterance(self):
        vectors, _, _, speakers = speech()
        data = vectors[:2], np.array(["sad", "sad"]), np.array(["train", "validation"]), speakers[:2]
        with pytest.raises(InputError, match="at least 2 training utterances"):
            fit(recipe(emotions=["sad"]), data)

    def test_refuses_to_go_on_without_a_finite_loss(self):
        with pytest.raises(InputError, match=r"not finite in epoch 1; lower train.learning_rate"):
            fit(recipe(learning_rate=1e200))

    def test_refuses_weights_that_the_file_cannot_hold(self):
        with pytest.raises(InputError, match="weights grew beyond what float32 holds"):
            fit(recipe(learning_rate=1e40, epochs=1))


def people(data, **columns):
    """Rows of a manifest for made speech; speakers of an even number are women."""
    _, truth, _, speakers = data
    gender = ["male" if int(name[-2:]) % 2 else "female" for name in speakers]
    table = {"id": [f"made/{row:03d}" for row in range(len(truth))], "corpus": "made", "speaker": speakers}
    return pd.DataFrame(table | {"emotion": truth, "gender": gender, "votes": ""} | columns)


ADDED = {
    "soft": {"labels": "soft"},
    "smoothed": {"labels": "smoothed"},
    "group weights": {"group_weights": "gender"},
    "adversary": {"adversary": AdversaryParams("gender", 0.3)},
    "robust": {"robust": RobustParams("gender", 0.1)},
}


class TestAdditions:
    @pytest.fixture
    def data(self):
        return speech(clarity=0.7)

    @pytest.fixture
    def plain(self, data):
        return fit(recipe(), data)

    def votes(self, truth, share=6):
        """Ten votes an utterance, some of them for the next label."""
        following = {one: other for one, other in zip(LABELS, [*LABELS[1:], LABELS[0]], strict=True)}
        return [json.dumps({word: share, following[word]: 10 - share}) for word in truth]

    @pytest.mark.parametrize("changes", ADDED.values(), ids=ADDED)
    def test_change_the_network_and_no_loss_that_is_reported(self, changes, data, plain):
        model, curve = fitting.fit(recipe(**changes), *data, people(data, votes=self.votes(data[1])))
        assert not _same(model, plain[0])
        vectors, truth, parts, _ = data
        validating = parts == "validation"
        right = model.probabilities(vectors)[validating][np.arange(validating.sum()), _codes(truth[validating])]
        assert curve["validation_loss"].min() == pytest.approx(-np.log(right).mean(), abs=1e-5)

    @pytest.mark.parametrize("changes", ADDED.values(), ids=ADDED)
    def test_repeat(self, changes, data):
        rows = people(data, votes=self.votes(data[1]))
        assert _same(*(fitting.fit(recipe(epochs=3, **changes), *data, rows)[0] for _ in range(2)))

    @pytest.mark.parametrize("changes", ADDED.values(), ids=ADDED)
    def test_survive_the_file(self, changes, data, tmp_path):
        made = recipe(epochs=1, **changes)
        model, _ = fitting.fit(made, *data, people(data, votes=self.votes(data[1])))
        path = tmp_path / classifier.file_name(made.protocol, made.fold)
        classifier.save(model, path)
        assert classifier.load(path).recipe == made
        assert _same(classifier.load(path), model)

    @pytest.mark.parametrize("class_weights", [True, False])
    def test_without_them_training_is_plain_to_the_last_bit(self, data, class_weights):
        """The loop written again, with torch's own loss."""
        vectors, truth, parts, _ = data
        made = recipe(epochs=3, patience=3, class_weights=class_weights, normalisation="none")
        model, curve = fit(made, data)
        x = torch.tensor(vectors[parts == "train"], dtype=torch.float64)
        y = torch.tensor(_codes(truth[parts == "train"]))
        weights = len(y) / (3 * y.bincount()).double() if class_weights else None
        with torch.random.fork_rng(devices=[]), fitting.one_thread():
            torch.manual_seed(fitting.seed_of(made))
            again = Classifier(made, 10)
            optimiser = torch.optim.AdamW(again.parameters(), 0.003, weight_decay=0.01, fused=True)
            for _ in range(int(curves.kept(curve)["epoch"].item())):
                again.train()
                for batch in torch.randperm(len(y)).tensor_split(len(y) // 16):
                    optimiser.zero_grad()
                    nn.functional.cross_entropy(again.networks[0](x[batch]), y[batch], weights).backward()
                    optimiser.step()
        assert _same(model, again.float().double())

    def test_the_people_alone_change_nothing(self, data, plain):
        assert _same(fitting.fit(recipe(), *data, people(data))[0], plain[0])

    @pytest.mark.parametrize("networks", [1, 3])  # each has votes of its own training part
    def test_unanimous_votes_are_hard_labels(self, data, networks):
        """But for the last bit, which is why the default does not take this way."""
        few = {"class_weights": True, "epochs": 2, "networks": networks}
        soft, _ = fitting.fit(recipe(labels="soft", **few), *data, people(data, votes=self.votes(data[1], 10)))
        hard, _ = fit(recipe(**few), data)
        np.testing.assert_allclose(soft.probabilities(data[0]), hard.probabilities(data[0]), atol=1e-4)

    def test_unanimous_votes_for_a_rare_emotion_weigh_as_its_labels_do(self):
        vectors, truth, parts, speakers = speech(each=60, clarity=0.7)
        rare = (truth != "sad") | (np.arange(len(truth)) % 15 == 2) | (parts == "test")
        data = vectors[rare], truth[rare], parts[rare], speakers[rare]
        few = {"class_weights": True, "epochs": 2}
        soft, _ = fitting.fit(recipe(labels="soft", **few), *data, people(data, votes=self.votes(data[1], 10)))
        hard, _ = fit(recipe(**few), data)
        np.testing.assert_allclose(soft.probabilities(data[0]), hard.probabilities(data[0]), atol=1e-4)

    def test_soft_and_smoothed_labels_make_the_network_less_sure(self):
        data = speech(clarity=2.0)
        sure = {}
        for labels in ("hard", "soft", "smoothed"):
            made = recipe(labels=labels, smoothing=0.5, epochs=40, patience=40)
            model, _ = fitting.fit(made, *data, people(data, votes=self.votes(data[1])))
            sure[labels] = model.probabilities(data[0]).max(axis=1).mean()
        assert max(sure["soft"], sure["smoothed"]) < sure["hard"] - 0.1

    def test_votes_of_test_utterances_are_not_needed(self, data):
        votes = np.where(data[2] == "train", self.votes(data[1]), "")
        _, curve = fitting.fit(recipe(labels="soft", epochs=1), *data, people(data, votes=votes))
        assert len(curve) == 1

    def test_votes_of_training_utterances_are(self, data):
        with pytest.raises(InputError, match=r"found none with 45 of 'made', .*choose train\.labels smoothed"):
            fitting.fit(recipe(labels="soft"), *data, people(data))

    @pytest.mark.slow
    def test_an_adversary_hides_the_group_from_a_fresh_probe(self):
        """Gender shows in the vectors, and in the last hidden layer, unless an adversary is there to hide it from."""
        vectors, truth, parts, speakers = speech(clarity=1.5, colour=0.3, each=60)
        rows = people((vectors, truth, parts, speakers))
        male, taught = (rows["gender"] == "male").to_numpy(), parts != "test"
        vectors = vectors + 2 * male[:, None] * np.eye(10, dtype=np.float32)[0]
        found = {}
        for attribute in ("none", "gender"):
            made = recipe(hidden=[16], epochs=40, patience=40, adversary=AdversaryParams(attribute, 0.3))
            model, _ = fitting.fit(made, vectors, truth, parts, speakers, rows)
            hidden = model.hidden(vectors)[taught]
            probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
            found[attribute] = probe.fit(hidden, male[taught]).score(hidden, male[taught])
            assert uar(model, (vectors, truth, parts, speakers)) > 0.9
        assert found["gender"] < found["none"] - 0.05

    @pytest.mark.parametrize("changes", [{"group_weights": "gender"}, {"robust": RobustParams("gender", 0.1)}])
    def test_weights_and_the_worst_group_serve_a_minority(self, changes):
        """Men show the emotion in the first number, women in the second, and of ten who train one is a woman."""
        random = np.random.default_rng(0)
        parts = np.repeat(["train", "validation", "test"], [400, 100, 400])
        women = np.where(parts == "train", np.arange(900) % 10 == 0, np.arange(900) % 2 == 0)
        vectors = random.normal(size=(900, 2))
        truth = np.where(np.where(women, vectors[:, 1], vectors[:, 0]) > 0, "happy", "sad")
        rows = pd.DataFrame({"gender": np.where(women, "female", "male")})
        asked = women & (parts == "test")
        right = {}
        for name, block in (("plain", {}), ("helped", changes)):
            made = recipe(emotions=["happy", "sad"], epochs=15, patience=15, **block)
            model, _ = fitting.fit(made, vectors, truth, parts, parts, rows)
            guess = np.array(["happy", "sad"])[model.probabilities(vectors[asked]).argmax(axis=1)]
            right[name] = (guess == truth[asked]).mean()
        assert right["helped"] > right["plain"] + 0.05

    @pytest.mark.parametrize(
        ("changes", "parameter"),
        [
            ({"group_weights": "gender"}, "group_weights"),
            ({"robust": RobustParams("gender", 0.1)}, r"robust\.attribute"),
            ({"adversary": AdversaryParams("gender", 0.1)}, r"adversary\.attribute"),
        ],
    )
    def test_want_groups(self, data, changes, parameter):
        with pytest.raises(InputError, match=rf"^kfold, fold 0: train\.{parameter} gender: expected at least two"):
            fitting.fit(recipe(**changes), *data, people(data, gender=""))

    def test_an_adversary_makes_do_with_those_who_are_known(self, data):
        gender = people(data)["gender"].where(np.arange(len(data[1])) % 3 > 0, "")
        made = recipe(epochs=1, adversary=AdversaryParams("gender", 0.3))
        _, curve = fitting.fit(made, *data, people(data, gender=gender))
        assert len(curve) == 1
        with pytest.raises(InputError, match=r"unknown for 15 of 45; choose another or none"):
            fitting.fit(recipe(group_weights="gender"), *data, people(data, gender=gender))


class TestRecord:
    def test_gets_the_probabilities_of_the_training_part_after_each_epoch(self):
        vectors, truth, parts, _ = data = speech(clarity=0.5)
        seen = []
        made = recipe(learning_rate=0.02, epochs=20, patience=20, class_weights=False)
        model, curve = fitting.fit(made, *data, record=seen.append)
        assert len(seen) == len(curve) == 20
        trained = parts == "train"
        for epoch, probabilities in enumerate(seen):
            np.testing.assert_allclose(probabilities.sum(axis=1), 1)
            right = probabilities[np.arange(trained.sum()), _codes(truth[trained])]
            assert -np.log(right).mean() == pytest.approx(curve["train_loss"][epoch], abs=1e-5)
        kept = curve["validation_loss"].idxmin()
        np.testing.assert_allclose(seen[kept], model.probabilities(vectors)[trained], atol=1e-6)

    def test_changes_nothing(self):
        assert _same(fit(recipe())[0], fitting.fit(recipe(), *speech(), record=lambda probabilities: None)[0])


class TestRepeats:
    def test_the_number_of_threads_does_not_matter_and_stays(self):
        threads = torch.get_num_threads()
        try:
            models = []
            for number in (1, 2):
                torch.set_num_threads(number)
                models.append(fit(recipe())[0])
                assert torch.get_num_threads() == number
        finally:
            torch.set_num_threads(threads)
        assert _same(*models)

    def test_the_same_recipe_gives_the_same_bytes(self, tmp_path):
        for name in ("one", "two"):
            torch.rand(3)  # whatever the global generator does in between
            classifier.save(fit(recipe())[0], tmp_path / name)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()

    @pytest.mark.parametrize("other", [recipe(seed=1), recipe(fold=1), recipe(protocol="random")])
    def test_another_seed_fold_or_protocol_gives_other_weights(self, other):
        assert not _same(fit(recipe())[0], fit(other)[0])

    def test_the_global_generator_is_left_alone(self):
        torch.manual_seed(5)
        expected = torch.rand(2)
        torch.manual_seed(5)
        fit(recipe())
        assert torch.equal(torch.rand(2), expected)


class TestStart:
    def test_is_the_discriminant_of_the_training_part_times_one_number(self):
        vectors, truth, parts, _ = data = speech(clarity=0.5)
        model, _ = fit(recipe(start="lda"), data)
        taught = parts == "train"
        machine = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis("lsqr", "auto", np.full(3, 1 / 3)))
        scores = machine.fit(vectors[taught], truth[taught]).decision_function(vectors)
        (network,) = model.networks
        with torch.no_grad():
            found = network.start(network.normalised(torch.tensor(vectors).double())).numpy()
        found, scores = (values - values.mean(axis=1, keepdims=True) for values in (found, scores))
        factor = (found * scores).sum() / (scores**2).sum()
        assert 0 < factor < 1  # speakers differ: one who is unknown is recognised less surely
        np.testing.assert_allclose(found, factor * scores, atol=1e-4)

    def test_is_where_training_begins(self):
        """With steps too small to go anywhere, and nothing that grows, what comes out is the start."""
        data = speech(clarity=0.5)
        model, _ = fit(recipe(start="lda", learning_rate=1e-12, epochs=1), data)
        (network,) = model.networks
        with torch.no_grad():
            scores = network.start(network.normalised(torch.tensor(data[0]).double()))
        np.testing.assert_allclose(model.probabilities(data[0]), scores.softmax(dim=1), atol=1e-6)

    def test_shows_beside_the_last_hidden_layer(self):
        data = speech()
        model, _ = fit(recipe(start="lda", hidden=[8]), data)
        hidden = model.hidden(data[0])
        assert hidden.shape == (len(data[0]), 8 + 3)
        layer = model.networks[0].layers[-1]
        logits = hidden[:, :8] @ layer.weight.detach().numpy().T + layer.bias.detach().numpy() + hidden[:, 8:]
        assert (logits.argmax(axis=1) == model.probabilities(data[0]).argmax(axis=1)).all()

    def test_is_left_out_with_an_adversary(self):
        data = speech()
        rows = pd.DataFrame({"gender": np.where(np.arange(len(data[1])) % 2, "male", "female")})
        block = {"adversary": AdversaryParams("gender", 0.3), "epochs": 2}
        models = [fitting.fit(recipe(start=start, **block), *data, rows)[0] for start in ("lda", "none")]
        assert _same(*models)

    def test_makes_the_network_at_least_as_good_where_classes_are_linear_and_speakers_few(self):
        scores = {}
        for start in ("lda", "none"):
            found = [speech(speakers=6, inputs=60, clarity=0.25, colour=2.0, seed=seed) for seed in range(6)]
            scores[start] = np.mean([uar(fit(recipe(start=start, epochs=30), data)[0], data) for data in found])
        assert scores["lda"] > scores["none"] + 0.03

    def test_goes_with_soft_labels_and_weights_and_the_worst_group(self):
        data = speech()
        rows = pd.DataFrame(
            {"gender": np.where(np.arange(len(data[1])) % 2, "male", "female"), "id": "", "corpus": "c"}
        )
        rows["votes"] = [json.dumps({word: 3, "sad": 1}) for word in data[1]]
        for block in ({"labels": "soft"}, {"group_weights": "gender"}, {"robust": RobustParams("gender", 0.1)}):
            model, _ = fitting.fit(recipe(start="lda", **block), *data, rows)
            assert uar(model, data) > 0.9


class TestSeveral:
    def test_probabilities_are_the_mean_and_the_hidden_layer_the_first(self):
        vectors, *_ = data = speech(speakers=9)
        model, _ = fit(recipe(networks=3), data)
        assert len(model.networks) == 3
        x = torch.tensor(vectors).double()
        with torch.no_grad():
            each = [network(x).softmax(dim=1).numpy() for network in model.networks]
            first = model.networks[0].last_hidden(x).numpy()
        np.testing.assert_allclose(model.probabilities(vectors), np.mean(each, axis=0))
        assert np.abs(each[0] - each[1]).max() > 0.01
        np.testing.assert_allclose(model.hidden(vectors), first, atol=1e-6)

    def test_the_first_is_the_one_that_stands_alone_and_its_are_curve_and_record(self):
        data, seen = speech(speakers=9), {1: [], 3: []}
        found = {count: fitting.fit(recipe(networks=count), *data, record=seen[count].append) for count in seen}
        (one, curve), (several, again) = found.values()
        # Their first weights are drawn together: so it is the same procedure, not the same numbers.
        assert set(curve.columns) == set(again.columns)
        assert len(seen[3]) == len(again)
        vectors, truth, parts, _ = data
        kept = again.loc[again["validation_loss"].idxmin()]
        own = parts == "validation"
        with torch.no_grad():
            logits = several.networks[0](torch.tensor(vectors[own]).double())
        guess = np.array(LABELS)[logits.argmax(dim=1)]
        assert recall_score(truth[own], guess, average="macro") == pytest.approx(kept["validation_uar"])
        assert len(one.networks) == 1

    def test_in_random_other_utterances_of_the_same_speaker_validate(self):
        vectors, truth, *_ = speech()
        parts = np.resize(["train", "train", "train", "train", "validation", "test"], len(truth)).astype(object)
        data = vectors, truth, parts, np.full(len(truth), "made/00", dtype=object)
        networks = {
            protocol: len(fit(recipe(protocol, networks=3, epochs=1), data)[0].networks)
            for protocol in ("random", "kfold")
        }
        assert networks == {"random": 3, "kfold": 1}

    def test_each_is_normalised_by_those_who_train_it(self):
        vectors, *_ = data = speech(speakers=9)
        model, _ = fit(recipe(networks=3), data)
        means = [network.mean.numpy() for network in model.networks]
        assert np.abs(means[0] - means[1]).max() > 0.01
        trained = data[2] == "train"
        np.testing.assert_allclose(means[0], vectors[trained].mean(axis=0), rtol=1e-4)

    def test_several_have_one_file(self, tmp_path):
        model, _ = fit(recipe(networks=3, start="lda"), speech(speakers=9))
        classifier.save(model, tmp_path / "kfold-00.safetensors")
        loaded = classifier.load(tmp_path / "kfold-00.safetensors")
        assert _same(model, loaded)
        np.testing.assert_array_equal(loaded.probabilities(speech()[0]), model.probabilities(speech()[0]))


class TestNormalisation:
    def test_train_takes_mean_and_deviation_of_the_training_part(self):
        vectors, _, parts, _ = data = speech()
        model, _ = fit(recipe(), data)
        train = vectors[parts == "train"].astype(np.float64)
        np.testing.assert_allclose(model.networks[0].mean, train.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(model.networks[0].scale, train.std(axis=0), rtol=1e-6)

    @pytest.mark.parametrize("normalisation", ["speaker", "none"])
    def test_others_keep_nothing_in_the_model(self, normalisation):
        model, _ = fit(recipe(normalisation=normalisation))
        assert (model.networks[0].mean == 0).all()
        assert (model.networks[0].scale == 1).all()

    @pytest.mark.parametrize("normalisation", ["train", "speaker"])
    def test_a_constant_number_does_no_harm(self, normalisation):
        vectors, truth, parts, speakers = speech()
        vectors[:, 3] = 0.1
        model, curve = fit(recipe(normalisation=normalisation), (vectors, truth, parts, speakers))
        assert np.isfinite(curve["validation_loss"]).all()
        assert np.isfinite(model.probabilities(vectors, speakers)).all()

    @pytest.mark.parametrize("normalisation", ["train", "speaker"])
    def test_the_unit_of_a_number_does_not_matter(self, normalisation):
        vectors, truth, parts, speakers = speech()
        scaled = vectors * 2.0 ** np.arange(-5, 5, dtype=np.float32)
        one, other = (
            fit(recipe(normalisation=normalisation), (data, truth, parts, speakers))[0].probabilities(data, speakers)
            for data in (vectors, scaled)
        )
        np.testing.assert_allclose(one, other, atol=1e-4)

    def test_speaker_takes_away_each_speakers_offset_and_spread(self):
        vectors, *_, speakers = data = speech(colour=5.0)
        model, _ = fit(recipe(normalisation="speaker"), data)
        moved = vectors.copy()
        moved[speakers == "made/05"] = 7 * moved[speakers == "made/05"] - 100
        expected = model.probabilities(vectors, speakers)
        np.testing.assert_allclose(model.probabilities(moved, speakers), expected, atol=1e-4)

    def test_speaker_helps_where_speakers_differ_and_train_does_not(self):
        data = speech(colour=30.0, speakers=8)
        scores = {way: uar(fit(recipe(normalisation=way, epochs=40), data)[0], data) for way in ("train", "speaker")}
        assert scores["speaker"] > scores["train"] + 0.2

    @pytest.mark.parametrize("speakers", [None, np.array(["made/01", "", "made/01"])])
    def test_speaker_needs_speakers(self, speakers):
        model, _ = fit(recipe(normalisation="speaker"))
        with pytest.raises(InputError, match="expected a speaker for every utterance"):
            model.probabilities(np.zeros((3, 10)), speakers)


class TestFile:
    @pytest.fixture
    def path(self, tmp_path):
        classifier.save(fit(recipe(fold=3))[0], tmp_path / "kfold-03.safetensors")
        return tmp_path / "kfold-03.safetensors"

    def broken(self, path, change, message):
        """Write the file again with changed tensors, and expect a refusal."""
        card = json.loads(_header(path)["__metadata__"]["classifier"])
        tensors = load_file(path)
        change(tensors, card)
        save_file(tensors, path, {"classifier": json.dumps(card)})
        with pytest.raises(InputError, match=message) as caught:
            classifier.load(path)
        assert "\n" not in str(caught.value)

    def test_gives_the_same_classifier_back(self, path):
        vectors, *_ = speech()
        original, _ = fit(recipe(fold=3))
        loaded = classifier.load(path)
        assert loaded.recipe == original.recipe == recipe(fold=3)
        assert loaded.inputs == 10
        assert not loaded.training
        np.testing.assert_array_equal(loaded.probabilities(vectors), original.probabilities(vectors))

    def test_tells_its_recipe_in_its_header(self, path):
        card = json.loads(_header(path)["__metadata__"]["classifier"])
        assert card["inputs"] == 10
        assert card["recipe"] == dataclasses.asdict(recipe(fold=3))

    def test_is_named_for_protocol_and_fold(self):
        assert classifier.file_name("loso", 3) == "loso-03.safetensors"
        assert classifier.file_name("loso", 123) == "loso-123.safetensors"

    def test_that_is_missing_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="no such file; expected a classifier"):
            classifier.load(tmp_path / "kfold-09.safetensors")

    def test_that_is_a_folder_is_called_one(self, tmp_path):
        with pytest.raises(InputError, match="expected a classifier that the train stage makes, found a folder"):
            classifier.load(tmp_path)

    @pytest.mark.parametrize("size", [0, 5, 100, -1])
    def test_that_is_cut_short_is_refused(self, path, size):
        path.write_bytes(path.read_bytes()[:size])
        with pytest.raises(InputError, match="not a safetensors file, or cut short"):
            classifier.load(path)

    def test_of_something_else_is_refused(self, tmp_path):
        save_file({"weight": torch.zeros(3)}, tmp_path / "encoder.safetensors")
        with pytest.raises(InputError, match="its header does not describe a classifier"):
            classifier.load(tmp_path / "encoder.safetensors")

    def test_with_a_strange_recipe_is_refused(self, path):
        def change(tensors, card):
            card["recipe"]["params"]["activation"] = "gelu"

        self.broken(path, change, "its header does not describe a classifier .*activation")

    def test_without_a_tensor_is_refused(self, path):
        self.broken(
            path,
            lambda tensors, card: tensors.pop("networks.0.layers.4.bias"),
            r"Missing key.*networks\.0\.layers\.4\.bias",
        )

    def test_with_a_surplus_tensor_is_refused(self, path):
        def change(tensors, card):
            tensors["networks.0.layers.9.weight"] = torch.zeros(2)

        self.broken(path, change, r"Unexpected key.*networks\.0\.layers\.9\.weight")

    def test_of_other_sizes_is_refused(self, path):
        def change(tensors, card):
            card["recipe"]["params"]["hidden"] = [32, 8]

        self.broken(path, change, r"size mismatch for networks\.0\.layers\.0\.weight.*\[16, 10\].*\[32, 10\]")

    def test_with_numbers_that_are_not_finite_is_refused(self, path):
        def change(tensors, card):
            tensors["networks.0.layers.0.weight"][0, 0] = torch.nan

        self.broken(path, change, r"'networks\.0\.layers\.0\.weight' holds numbers that are not finite")

    def test_with_a_mean_that_is_not_finite_is_refused(self, path):
        def change(tensors, card):
            tensors["networks.0.mean"][3] = torch.inf

        self.broken(path, change, r"'networks\.0\.mean' holds numbers that are not finite; run the train stage again")

    @pytest.mark.parametrize(
        ("key", "number", "message"),
        [
            (
                "networks.0.scale",
                0.0,
                r"'networks\.0\.scale': expected numbers above 0, found 0; run the train stage again",
            ),
            (
                "networks.0.scale",
                -2.0,
                r"'networks\.0\.scale': expected numbers above 0, found -2; run the train stage again",
            ),
            (
                "networks.0.layers.1.running_var",
                -1.0,
                r"'networks\.0\.layers\.1\.running_var': expected numbers 0 or more, found -1; run the",
            ),
        ],
    )
    def test_with_a_deviation_or_variance_that_none_can_be_is_refused(self, path, key, number, message):
        def change(tensors, card):
            tensors[key][0] = number

        self.broken(path, change, message)

    @pytest.mark.parametrize(("protocol", "fold"), [("kfold", 2), ("random", 3)])
    def test_that_was_copied_over_another_is_refused(self, path, protocol, fold):
        other = path.with_name(classifier.file_name(protocol, fold))
        other.write_bytes(path.read_bytes())
        message = (
            f"{other.name}: expected the classifier of its name, found that of kfold-03.safetensors; run the train"
        )
        with pytest.raises(InputError, match=re.escape(message)):
            classifier.load(other)

    @pytest.mark.parametrize("changes", [{"fold": "three"}, {"protocol": "loso"}, {"fold": None}])
    def test_whose_header_names_another_fold_is_refused(self, path, changes):
        self.broken(
            path, lambda tensors, card: card["recipe"].update(changes), "expected the cla|does not describe a cla"
        )

    def test_whose_weights_overflow_shows_no_hidden_layer(self, path):
        tensors = load_file(path)
        tensors["networks.0.layers.0.weight"] *= 1e38
        save_file(tensors, path, {"classifier": _header(path)["__metadata__"]["classifier"]})
        loaded = classifier.load(path)
        with pytest.raises(InputError, match="classifier: expected finite numbers, found others; run the stages fea"):
            loaded.hidden(np.full((2, 10), 1e9))


def test_a_measured_part_has_the_uar_of_the_emotions_that_occur_in_it():
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(40, 4)))
    truth = np.resize([0, 2, 2], 40)  # no emotion 1, and none after 2
    loss, recalls = descent.measure(logits, torch.from_numpy(truth), None)
    guess = logits.argmax(dim=1).numpy()
    assert recalls == pytest.approx(recall_score(truth, guess, labels=[0, 2], average="macro"))
    assert loss == pytest.approx(log_loss(truth, logits.softmax(dim=1).numpy(), labels=range(4)))


def test_a_network_that_memory_cannot_hold_is_refused():
    with pytest.raises(InputError, match=r"train\.hidden \[1000000000\] on 10 numbers: expected .* free memory"):
        fit(recipe(hidden=[10**9]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": []}, "hidden"),
        ({"hidden": [16, 0]}, "hidden"),
        ({"dropout": 1.0}, "dropout"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"batch_size": 1}, "batch_size"),
        ({"epochs": 0}, "epochs"),
        ({"patience": 0}, "patience"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"networks": 0}, "networks"),
        ({"cost": 0.0}, "cost"),
        ({"smoothing": 0.0}, "smoothing"),
        ({"smoothing": 1.0}, "smoothing"),
        ({"group_weights": "gender", "class_weights": False}, "group_weights"),
        ({"group_weights": "gender", "robust": RobustParams("gender", 0.1)}, "group_weights"),
    ],
)
def test_params_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=f"^{message}: expected"):
        params(**changes)


def _same(one, other):
    states = one.state_dict(), other.state_dict()
    return all(torch.equal(states[0][key], states[1][key]) for key in states[0] | states[1])


def _codes(truth):
    return [LABELS.index(word) for word in truth]


def _header(path):
    data = path.read_bytes()
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
