"""The library's rows as the API tells them."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.api.fields import MomentField, RelatedField, UrlField
from apps.common.time import iso
from apps.library import scrub, selectors, usage, versions
from apps.library.models import Pair, ShieldingData, StoredFile, TemplateDisk, Upload

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_TEXTS = {"type": "array", "items": _TEXT}
_PERHAPS, _PERHAPS_WHOLE = ({**one, "nullable": True} for one in (_TEXT, _WHOLE))


def _object(nullable: bool = False, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "nullable": nullable, "readOnly": True, "properties": properties}


def _many(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "readOnly": True, "items": _object(**properties)}


_PROBLEM = {"code": _TEXT, "message": _TEXT, "fix": _TEXT}
_USES = _many(kind=_TEXT, id=_TEXT, name=_TEXT)
_GUARDIAN = {"name": _TEXT, "thumbprints": _TEXTS}


_INTEGRITY = _object(
    False, read_at={"type": "string", "format": "date-time", "nullable": True},
    ok={"type": "boolean", "nullable": True}, message=_TEXT,
)  # fmt: skip


def _integrity(file: StoredFile | None) -> dict[str, Any]:
    told = scrub.told_of(file)
    return told | {"read_at": iso(told["read_at"]) if told["read_at"] else None}


class UploadSerializer(serializers.ModelSerializer[Upload]):
    url = UrlField("upload-detail")
    tenant = RelatedField()
    sha256 = serializers.SerializerMethodField()
    expires_at = MomentField()
    created_at = MomentField()
    item = serializers.SerializerMethodField()
    problem = serializers.SerializerMethodField()
    integrity = serializers.SerializerMethodField()

    class Meta:
        model = Upload
        fields = (
            "id", "url", "kind", "filename", "tenant", "size", "offset", "status", "sha256",
            "created_at", "expires_at", "item", "problem", "integrity",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({"type": "string", "nullable": True})
    def get_sha256(self, row: Upload) -> str | None:
        return row.sha256 or None

    @extend_schema_field(_object(True, kind=_TEXT, id=_TEXT, url=_TEXT))
    def get_item(self, row: Upload) -> dict[str, str] | None:
        item = row.item
        if item is None:
            return None
        url = reverse(f"{item.noun}-detail", args=[item.pk])
        return {"kind": item.noun, "id": str(item.pk), "url": url}

    @extend_schema_field(_object(True, **_PROBLEM))
    def get_problem(self, row: Upload) -> dict[str, str] | None:
        return row.problem

    @extend_schema_field(_INTEGRITY)
    def get_integrity(self, row: Upload) -> dict[str, Any]:
        return _integrity(row.file)


class ItemListSerializer(serializers.ListSerializer):
    """Looks up once for a page what needs its rows."""

    def to_representation(self, data: Any) -> Any:
        rows = list(data.all() if hasattr(data, "all") else data)
        if rows:
            context: Any = self.context
            context["uses"] = usage.of(rows[0].noun, [row.pk for row in rows])
            if isinstance(rows[0], TemplateDisk):
                context["newer"] = versions.newer(rows)
        return super().to_representation(rows)


class ItemSerializer(serializers.ModelSerializer[Any]):
    """What template disks and shielding data have in common."""

    tenant = RelatedField()
    inspected_by = serializers.SerializerMethodField()
    inspected_at = MomentField()
    created_at = MomentField()
    problems = serializers.SerializerMethodField()
    used_by = serializers.SerializerMethodField()
    integrity = serializers.SerializerMethodField()

    @extend_schema_field(_INTEGRITY)
    def get_integrity(self, row: Any) -> dict[str, Any]:
        return _integrity(row.file)

    @extend_schema_field(_object(True, id=_TEXT, name=_TEXT))
    def get_inspected_by(self, row: Any) -> dict[str, str | None] | None:
        if not row.inspected_by_name:
            return None
        key = str(row.inspected_by_id) if row.inspected_by_id else None
        return {"id": key, "name": row.inspected_by_name}

    @extend_schema_field(_many(**_PROBLEM))
    def get_problems(self, row: Any) -> list[dict[str, str]]:
        return row.problems

    @extend_schema_field(_USES)
    def get_used_by(self, row: Any) -> list[dict[str, str]]:
        uses = self.context.get("uses")
        return (uses if uses is not None else usage.of(row.noun, [row.pk])).get(row.pk, [])


class TemplateDiskSerializer(ItemSerializer):
    url = UrlField("template-disk-detail")
    name = serializers.CharField(read_only=True)
    container = serializers.SerializerMethodField()
    partitions = serializers.SerializerMethodField()
    bitlocker = serializers.SerializerMethodField()
    signature = serializers.SerializerMethodField()
    newer = serializers.SerializerMethodField()

    class Meta:
        model = TemplateDisk
        list_serializer_class = ItemListSerializer
        fields = (
            "id", "url", "name", "filename", "tenant", "size_bytes", "sha256", "status",
            "waiting_for", "container", "partitions", "bitlocker", "signature", "newer",
            "problems", "inspected_by", "inspected_at", "created_at", "used_by", "integrity",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(_object(True, id=_TEXT, name=_TEXT, version=_TEXT))
    def get_newer(self, row: TemplateDisk) -> dict[str, str] | None:
        """The newest usable version of the same template, where it is newer than this one."""
        known = self.context.get("newer")
        found = (known if known is not None else versions.newer([row])).get(row.pk)
        if found is None:
            return None
        return {"id": str(found.pk), "name": found.name, "version": versions.version_of(found)}

    @extend_schema_field(
        _object(True, type=_TEXT, allocation=_TEXT, virtual_size_bytes=_WHOLE,
                logical_sector_bytes=_WHOLE, block_size_bytes=_WHOLE,
                allocated_bytes=_PERHAPS_WHOLE)
    )  # fmt: skip
    def get_container(self, row: TemplateDisk) -> dict[str, Any] | None:
        return row.container

    @extend_schema_field(
        _many(type=_TEXT, name=_TEXT, offset_bytes=_WHOLE, size_bytes=_WHOLE, encryption=_PERHAPS)
    )  # fmt: skip
    def get_partitions(self, row: TemplateDisk) -> list[dict[str, Any]]:
        return row.partitions

    @extend_schema_field(
        _object(True, method=_TEXT, protectors=_TEXTS, volume_id=_TEXT, created_at=_PERHAPS)
    )  # fmt: skip
    def get_bitlocker(self, row: TemplateDisk) -> dict[str, Any] | None:
        return row.bitlocker

    @extend_schema_field(
        _object(evidence=_TEXTS,
                catalog=_object(True, name=_TEXT, version=_TEXT, signer_thumbprint=_TEXT))
    )  # fmt: skip
    def get_signature(self, row: TemplateDisk) -> dict[str, Any]:
        return {"evidence": row.evidence, "catalog": row.catalog}


class ShieldingDataSerializer(ItemSerializer):
    url = UrlField("shielding-data-detail")
    name = serializers.CharField(read_only=True)
    owner = serializers.SerializerMethodField()
    guardians = serializers.SerializerMethodField()
    qualifiers = serializers.SerializerMethodField()
    substitution_keys = serializers.SerializerMethodField()

    class Meta:
        model = ShieldingData
        list_serializer_class = ItemListSerializer
        fields = (
            "id", "url", "name", "filename", "tenant", "size_bytes", "sha256", "status",
            "waiting_for", "policy", "purpose", "owner", "guardians", "qualifiers",
            "substitution_keys", "problems", "inspected_by", "inspected_at", "created_at",
            "used_by",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(_object(True, **_GUARDIAN))
    def get_owner(self, row: ShieldingData) -> dict[str, Any] | None:
        return row.owner

    @extend_schema_field(_many(**_GUARDIAN, guardian_service=_object(True, id=_TEXT, name=_TEXT)))
    def get_guardians(self, row: ShieldingData) -> list[dict[str, Any]]:
        context: Any = self.context
        return selectors.with_services(row.guardians, context.setdefault("guardians", {}))

    @extend_schema_field(
        _many(name=_TEXT, version_rule=_TEXT, version=_TEXT, signer_thumbprint=_TEXT)
    )
    def get_qualifiers(self, row: ShieldingData) -> list[dict[str, Any]]:
        return row.qualifiers

    @extend_schema_field(_TEXTS)
    def get_substitution_keys(self, row: ShieldingData) -> list[str]:
        return row.substitution_keys


class PairListSerializer(serializers.ListSerializer):
    """Looks up once for a page what was made of its pairs."""

    def to_representation(self, data: Any) -> Any:
        rows = list(data.all() if hasattr(data, "all") else data)
        context: Any = self.context
        context["uses"] = usage.of_pairs(rows)
        return super().to_representation(rows)


class PairSerializer(serializers.ModelSerializer[Pair]):
    url = UrlField("pair-detail")
    template_disk = RelatedField()
    shielding_data = RelatedField()
    tenant = RelatedField()
    applicable = serializers.BooleanField(read_only=True, allow_null=True)
    reason = serializers.SerializerMethodField()
    checked_at = MomentField()
    used_by = serializers.SerializerMethodField()

    class Meta:
        model = Pair
        list_serializer_class = PairListSerializer
        fields = (
            "id", "url", "template_disk", "shielding_data", "tenant", "applicable", "reason",
            "checked_at", "used_by",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(_USES)
    def get_used_by(self, row: Pair) -> list[dict[str, str]]:
        """What was made, or is being made, of both halves."""
        uses = self.context.get("uses")
        return (uses if uses is not None else usage.of_pairs([row])).get(row.pk, [])

    @extend_schema_field(_object(code=_TEXT, message=_TEXT))
    def get_reason(self, row: Pair) -> dict[str, str]:
        return row.reason
