"""From templates and settings to the rule files: plain YAML, readable, free of templating."""

from __future__ import annotations

from pathlib import Path

import jinja2

from app.errors import UsageError
from rules.settings import ROOT, Settings, Threshold

TEMPLATES = Path(__file__).resolve().parent / "templates"
KINDS = ("rules", "alerts")  # folders of the output: recording rules, alerts
MARK = "# Written by `palmonas rules build` from rules/templates/{name} and prometheus/settings.yml: change those.\n"


def _percent(threshold: Threshold) -> str:
    return f"{threshold.value * 100:g} %"


def _duration(threshold: Threshold) -> str:
    """Seconds as people say them: `5 minutes`, `90 seconds`."""
    for length, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if threshold.value >= length and threshold.value % length == 0:
            number = threshold.value / length
            return f"{number:g} {word}" + ("" if number == 1 else "s")
    return f"{threshold.value:g} seconds"


def _window(threshold: Threshold) -> str:
    """Seconds as PromQL writes a range: `2m`, `90s`, `400ms`."""
    for milliseconds, unit in ((60_000, "m"), (1000, "s")):
        if round(threshold.value * 1000) % milliseconds == 0:
            return f"{round(threshold.value * 1000) // milliseconds}{unit}"
    return f"{round(threshold.value * 1000)}ms"


def _link(alert: str, dashboard: str) -> str:
    """The two annotations that lead on: paths, which external labels of Prometheus make links (docs/alerts.md)."""
    return (
        f"runbook_url: '{{{{ $externalLabels.runbook_base }}}}docs/runbooks/{alert}.md'\n"
        f"          dashboard_url: '{{{{ $externalLabels.grafana_base }}}}/d/{dashboard}'"
    )


def _make_environment() -> jinja2.Environment:
    # Prometheus' own templates are in {{ }}, so ours are in << >>.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML, not HTML
    )
    environment.globals["links"] = _link
    environment.filters |= {"percent": _percent, "duration": _duration, "window": _window}
    return environment


def render_rules(settings: Settings) -> dict[Path, str]:
    """Every rule file of the areas wanted, by its path under the output directory."""
    environment = _make_environment()
    rendered = {}
    for area in settings.areas:
        for kind in KINDS:
            name = f"{kind}/{area}.yml"
            if (TEMPLATES / name).is_file():
                text = environment.get_template(name).render(
                    areas=settings.areas, jobs=settings.jobs, limits=settings.thresholds, slos=settings.slos
                )
                rendered[Path(name)] = MARK.format(name=name) + text.rstrip("\n") + "\n"
    return rendered


def find_drift(settings: Settings, out: Path = ROOT / "prometheus") -> list[Path]:
    """Rule files in `out` that are not what the templates make: changed, missing, or of nothing."""
    rendered = render_rules(settings)
    there = {path.relative_to(out) for kind in KINDS for path in (out / kind).glob("*.yml")}
    return sorted(
        name
        for name in rendered.keys() | there
        if name not in rendered or name not in there or (out / name).read_text(encoding="utf-8") != rendered[name]
    )


def write_rules(settings: Settings, out: Path) -> list[Path]:
    """Write the rule files into `out`/rules and `out`/alerts; return those that changed.

    All are rendered before the first is written, and each is put in place in one step: Prometheus never reads half
    a file. Raises UsageError when `out` cannot be written.
    """
    drifted = find_drift(settings, out)
    rendered = render_rules(settings)
    try:
        for name in drifted:
            if name not in rendered:
                (out / name).unlink()
                continue
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            fresh = (out / name).with_suffix(".new")
            fresh.write_text(rendered[name], encoding="utf-8")
            fresh.replace(out / name)
    except OSError as error:
        raise UsageError(f"cannot write rules to {error.filename or out}: {error.strerror}") from error
    return drifted
