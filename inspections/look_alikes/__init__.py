"""Look-alikes: the captures nearest to one by what verdicts keep of them. docs/look-alikes.md."""

from inspections.look_alikes.rows import embeddings_of, labelled_embeddings
from inspections.look_alikes.searching import Alike, Found, like, near

__all__ = ["Alike", "Found", "embeddings_of", "labelled_embeddings", "like", "near"]
