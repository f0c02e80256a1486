"""Making virtual machines: what is checked first, what is done on a host, what a failure leaves."""


def connect() -> None:
    """Makes the kinds of operations known, and tells the library what needs its files."""
    from apps.library import usage
    from apps.operations import runners
    from apps.vms.deployments import uses
    from apps.vms.deployments.batch.running import BATCH
    from apps.vms.deployments.steps.cleaning import CLEAN_UP
    from apps.vms.deployments.steps.deploying import DEPLOY

    runners.register(DEPLOY)
    runners.register(BATCH)
    runners.register(CLEAN_UP)
    usage.register(uses.of)
