"""Reading a cluster and its hosts, and writing down what they told."""

from apps.fabric.inventory.reading import Reading, read_cluster

__all__ = ["Reading", "read_cluster"]
