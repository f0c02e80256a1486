"""The demo's content: people, the lab's clusters, sample files, and the file that tells of them."""
