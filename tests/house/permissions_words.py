"""The words of the permission table: A admin (HCI), G guardian (HGS), T tenant, U auditor."""

A, G, T, U = "admin", "guardian", "contoso", "auditor"
ALL = frozenset({A, G, T, U})
#: Also who isn't signed in.
OPEN = frozenset({*ALL, "nobody"})
#: Who sees clusters, hosts and what belongs to them.
FABRIC = frozenset({A, G, U})
