"""Static files under names that hold their hash, so that browsers keep them for good."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """A name that isn't in the manifest is served as it is: tests and commands run before
    collectstatic.
    """

    manifest_strict = False

    # ES modules import each other by plain names; those have to become the hashed ones too.
    support_js_module_import_aggregation = True
