"""Tiny networks, and what they are fitted on; equal ones share what was compiled."""

from planted import planted

from framework.learning.labels import Label
from framework.learning.training import Training
from framework.learning.workshop import Workshop
from framework.models.gru import GRU

MARKET = planted(bars=700)
WINDOW = 5
LABEL = Label(horizon=1, weights="equal")
TRAINING = Training(epochs=3, batch=64, learning_rate=0.02, schedule="constant")


def gru(**changed):
    """A GRU that every test shares where it changes nothing."""
    return GRU(**{"label": LABEL, "window": WINDOW, "units": 6, "layers": 1} | changed)


def samples(label=LABEL, end=600, **changed):
    """What the market's first bars teach."""
    return MARKET.data(label, end=end, window=WINDOW, **changed)


def workshop(directory=None, training=TRAINING, **changed):
    """A place for a short training."""
    return Workshop(**{"training": training, "seed": 3, "directory": directory} | changed)


def weights_of(trained):
    """All weights as bytes."""
    return {name: own.tobytes() for name, own in trained.fitted.weights.items()}
