"""What may be said of a class, and what is wrong with it, in words."""

from hashlib import sha256

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections.models import DefectClass
from inspections.models.defect_class import GOOD, UNKNOWN
from inspections.models.label import UNSURE

RESERVED = frozenset({UNKNOWN, UNSURE, "undo"})  # answers, and never classes
LONGEST_DEFINITION = 2000
FAMILIES = (
    ("warp", gettext_lazy("Warp")),
    ("weft", gettext_lazy("Weft")),
    ("yarn", gettext_lazy("Yarn")),
    ("area", gettext_lazy("Area")),
    ("edge", gettext_lazy("Edge")),
    ("knit", gettext_lazy("Knit")),
    ("finish", gettext_lazy("Finish")),
    ("foreign", gettext_lazy("Foreign matter")),
)


def stamp(one: DefectClass) -> str:
    """What a reader saw of a class, in a few letters: another one means that somebody changed it since."""
    seen = (one.name, one.definition, one.critical, one.active, str(one.example_id or ""))
    return sha256(repr(seen).encode()).hexdigest()[:16]


class _Words(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    definition = forms.CharField(
        label=gettext_lazy("How to tell it"),
        required=False,
        max_length=LONGEST_DEFINITION,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    critical = forms.BooleanField(label=gettext_lazy("Critical: it comes first in the queue"), required=False)

    @property
    def code(self) -> str:
        raise NotImplementedError

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if DefectClass.objects.filter(name__iexact=name).exclude(code=self.code).exists():
            raise forms.ValidationError(_("Another class has this name."))
        return name


class Change(_Words):
    """A class as it shall be."""

    active = forms.BooleanField(label=gettext_lazy("In use: it can be chosen"), required=False)
    back = forms.BooleanField(label=gettext_lazy("Take the example picture away"), required=False)

    def __init__(self, one: DefectClass, data: QueryDict | None = None) -> None:
        initial = {name: getattr(one, name) for name in ("name", "definition", "critical", "active")}
        self.one = one
        super().__init__(data, initial=initial, label_suffix="", auto_id=f"{one.code}-%s")
        if one.code == GOOD:
            del self.fields["critical"], self.fields["active"]
        if one.example_id is None:
            del self.fields["back"]

    @property
    def code(self) -> str:
        return self.one.code

    @property
    def switches(self) -> list[forms.BoundField]:
        return [self[name] for name in ("critical", "active", "back") if name in self.fields]


class New(_Words):
    """A class that a mill adds."""

    code_ = forms.SlugField(
        label=gettext_lazy("Code, for machines and training"),
        max_length=40,
        error_messages={"invalid": gettext_lazy("Small letters, digits, - and _ only.")},
    )
    family = forms.ChoiceField(label=gettext_lazy("Family"), choices=FAMILIES)

    field_order = ("name", "code_", "family", "definition", "critical")

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, label_suffix="", auto_id="new-%s")
        self.fields["family"].widget.attrs["class"] = "form-select"
        self.fields["code_"].widget.attrs.update(
            {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
        )

    @property
    def code(self) -> str:
        return ""

    def clean_code_(self) -> str:
        code: str = self.cleaned_data["code_"]
        if code != code.lower():
            raise forms.ValidationError(_("Small letters, digits, - and _ only."))
        if code in RESERVED:
            raise forms.ValidationError(_("“%(code)s” is an answer and can be no class.") % {"code": code})
        if DefectClass.objects.filter(code=code).exists():
            raise forms.ValidationError(_("There is a class with this code already."))
        return code
