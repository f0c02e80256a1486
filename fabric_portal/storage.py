"""Static files under names that hold their hash, so that browsers keep them for good."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """ES modules import each other by plain names: what is served names the hashed ones."""

    support_js_module_import_aggregation = True
