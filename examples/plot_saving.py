"""
Save a model, and use it elsewhere
==================================

A model is trained here, saved as one file, and then used where nothing of this script is left: in
another process, and on the command line. The file holds weights and settings, and no code.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from example_sounds import load_recordings
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.command_line import main
from sk_audioevents.metrics import accuracy
from sk_audioevents.persistence import load_model, save_model

# %%
# A model
# -------
# Four classes of ESC-10, where there is a copy of it, else of synthetic sounds. Fold 5 is held out.

recordings = load_recordings()
classes = np.unique(recordings.labels)[:4]
chosen = np.isin(recordings.labels, classes)
train, test = chosen & (recordings.fold != 5), chosen & (recordings.fold == 5)
paths, labels = recordings.paths, recordings.labels

model = make_pipeline(
    LogMelTransformer(sample_rate=16000, hop_length=256, n_mels=64),
    VGGEventClassifier(
        channels=(8, 16, 32, 32, 32),
        embedding_dim=64,
        learning_rate=3e-3,
        learning_rate_schedule="one_cycle",
        max_epochs=10,
        batch_size=16,
        random_state=0,
    ),
)
model.fit(paths[train], labels[train])
probabilities = model.predict_proba(paths[test])
share = accuracy(labels[test], probabilities, labels=model.classes_)
print(f"{recordings.name}: {share:.2f} of {test.sum()} held-out clips of {len(classes)} classes")

# %%
# One file
# --------
# The card is for whoever finds the file in two years. What belongs to this machine, such as a cache
# folder or the device, is not saved.

folder = tempfile.TemporaryDirectory()
file = Path(folder.name) / "sounds.safetensors"
save_model(
    model, file, card=f"{len(classes)} classes of {recordings.name}; {share:.2f} right in fold 5."
)
n_weights = sum(weights.numel() for weights in model[-1].net_.module_.parameters())
print(f"{n_weights:,} weights in {file.stat().st_size / 1000:.0f} kB")

# %%
# In another process
# ------------------
# It predicts the same, to the bit.

script = """
import sys
import numpy as np
from sk_audioevents.persistence import load_model

file, where, *paths = sys.argv[1:]
np.save(where, load_model(file).predict_proba(paths))
"""
where = Path(folder.name) / "probabilities.npy"
subprocess.run([sys.executable, "-c", script, file, where, *paths[test]], check=True)
print("the same bits:", np.array_equal(np.load(where), load_model(file).predict_proba(paths[test])))

# %%
# On the command line
# -------------------
# Whoever does not write Python uses the same file. In a terminal, what follows is
# ``sk-audioevents predict sounds.safetensors clips``: for each clip the most probable class, and
# the score of each.

clips = Path(folder.name) / "clips"
clips.mkdir()
for label in classes:
    first = paths[test & (labels == label)][0]
    shutil.copy(first, clips / f"{label}{Path(first).suffix}")

with contextlib.chdir(folder.name):
    main(["predict", "sounds.safetensors", "clips", "--quiet"])

# %%
# And this is ``sk-audioevents explain sounds.safetensors surest.ogg -o why.png``, for the clip that
# the model is surest of: red spoke for the class, blue against it.

surest = paths[test][probabilities.max(axis=1).argmax()]
clip = f"surest{Path(surest).suffix}"
shutil.copy(surest, Path(folder.name) / clip)
with contextlib.chdir(folder.name):
    main(["explain", "sounds.safetensors", clip, "-o", "why.png", "--quiet"])

fig, ax = plt.subplots(figsize=(8, 6.8), layout="constrained")
ax.imshow(plt.imread(Path(folder.name) / "why.png"))
ax.set_axis_off()
plt.show()

# %%
# The guide has pages on :doc:`saved models </user_guide/saving>`, on the
# :doc:`command line </user_guide/command_line>`, and on :doc:`ONNX files </user_guide/export>` for
# programs without Python.
