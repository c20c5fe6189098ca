"""What a person sees on the dashboard, in Chromium, served by the real application."""

from __future__ import annotations

import csv
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

Visit = Callable[..., Any]
PANELS = (
    "kpis", "events", "repositories", "contributors", "organizations", "pull-requests", "issues",
    "resolution", "pipeline",
)  # fmt: skip
expect.set_options(timeout=30_000)


def figure(page: Page, name: str) -> Locator:
    return page.locator(f'[data-kpi="{name}"] .kpi-value')


def expect_state(page: Page, state: str, panels: tuple[str, ...] = PANELS) -> None:
    for panel in panels:
        expect(page.locator(f"#{panel}")).to_have_attribute("data-panel-state", state)


def test_the_page_shows_the_figures_of_the_store(visit: Visit, site: str) -> None:
    page = visit(site).page
    expect_state(page, "ready")
    expect(figure(page, "events")).to_have_text("1,600")
    expect(page.locator('[data-kpi="events"]')).to_contain_text("+100% on the 24 hours before")
    expect(figure(page, "bots")).to_have_text("19%")
    expect(figure(page, "repositories")).to_have_text("2")
    expect(figure(page, "contributors")).to_have_text("3")
    expect(figure(page, "organizations")).to_have_text("1")
    assert page.locator("#events .breakdown li").all_inner_texts() == [
        "Pushes\n94%\n1,500", "Stars\n3.8%\n60", "Issues\n2.5%\n40",
    ]  # fmt: skip
    assert page.locator("#repositories li").all_inner_texts() == [
        "1\nacme/rocket\n24% by bots\n1,240", "2\nacme/anvil\n360",
    ]  # fmt: skip
    assert page.locator("#contributors .bar-name").all_inner_texts() == [
        "wile", "roadrunner", "deploy[bot]",
    ]  # fmt: skip
    expect(page.locator("#organizations li")).to_contain_text("3 active")


def test_pull_requests_and_issues_have_their_counts_and_times(visit: Visit, site: str) -> None:
    page = visit(site).page
    expect_state(page, "ready", ("pull-requests", "issues", "resolution"))
    # Merged after 1, 2 and 3 hours; closed after 30 and 90 minutes, one of unknown opening.
    pulls = page.locator("#pull-requests .figure").all_inner_texts()
    assert pulls[:3] == ["Opened\n5", "Merged\n3", "Unmerged\n1"]
    assert pulls[-1] == "Median to merge\n2 h\n90% within 2 h 48 min"
    issues = page.locator("#issues .figure").all_inner_texts()
    assert issues[:2] == ["Opened\n4", "Closed\n3"]
    assert issues[-1] == "Median to close\n1 h\n90% within 1 h 24 min"
    assert page.locator("#resolution tbody tr").all_inner_texts() == [
        "acme/rocket\t3\t2 h\t2 h 48 min\t3\t1 h\t1 h 24 min"
    ]


def test_the_pipeline_panel_tells_what_was_missed_and_what_budget_is_left(
    visit: Visit, site: str
) -> None:
    page = visit(site).page
    expect_state(page, "ready", ("pipeline",))
    row = page.locator("#pipeline tbody tr").inner_text().split("\t")
    assert [part.strip() for part in row[:5]] == [
        "org:acme", "12", "1,600", "2 (1 min 30 s)", "4,900 of 5,000",
    ]  # fmt: skip
    expect(page.locator('[data-health="merged"]')).to_have_text("2,400")
    expect(page.locator('[data-health="rejected"]')).to_have_text("2")
    expect(page.locator('[data-health="fresh"]')).to_have_text("1 h ago")
    expect(page.locator('[data-health="connection"]')).to_have_text("Live")


def test_a_new_batch_appears_without_reload(visit: Visit, filled: Any, web: Any) -> None:
    page = visit(web.start(filled)).page
    expect(figure(page, "events")).to_have_text("1,600")
    page.evaluate("window.stillTheSamePage = true")
    now = int(time.time())
    minute = now // 60 * 60
    filled.merge({"event_counts": [(minute, "ForkEvent", False, 11)]}, events=11, newest=now)
    expect(figure(page, "events")).to_have_text("1,611")
    expect(page.locator("#events .breakdown")).to_contain_text("Forks")
    expect(page.locator('[data-health="merged"]')).to_have_text("2,411")
    assert page.evaluate("window.stillTheSamePage")


def test_without_a_place_for_a_live_connection_the_page_polls(
    visit: Visit, filled: Any, web: Any
) -> None:
    seen = visit(web.start(filled, max_streams=0))
    expect(seen.page.locator('[data-health="connection"]')).to_have_text("Polling")
    now = int(time.time())
    filled.merge(
        {"event_counts": [(now // 60 * 60, "ForkEvent", False, 11)]}, events=11, newest=now
    )
    expect(figure(seen.page, "events")).to_have_text("1,611")
    seen.forgive_status(503)


def test_filters_change_the_address_and_the_figures_and_back_restores_them(
    visit: Visit, site: str
) -> None:
    page = visit(site).page
    expect(figure(page, "events")).to_have_text("1,600")
    page.get_by_text("People", exact=True).click()
    expect(page).to_have_url(f"{site}/?bots=none")
    expect(figure(page, "events")).to_have_text("1,300")
    page.locator("#events .breakdown").get_by_text("Stars").click()
    expect(page).to_have_url(f"{site}/?bots=none&type=WatchEvent")
    expect(figure(page, "events")).to_have_text("60")
    expect(figure(page, "repositories")).to_have_text("1")
    page.get_by_text("7 d", exact=True).click()
    expect(page).to_have_url(f"{site}/?range=7d&bots=none&type=WatchEvent")
    page.go_back()
    page.go_back()
    expect(figure(page, "events")).to_have_text("1,300")
    page.get_by_label("Remove the filter By people").click()
    expect(page).to_have_url(f"{site}/")
    expect(figure(page, "events")).to_have_text("1,600")
    page.get_by_text("7 d", exact=True).click()
    expect(figure(page, "events")).to_have_text("2,400")


def test_an_address_with_filters_opens_as_it_was_left(visit: Visit, site: str) -> None:
    page = visit(f"{site}/?range=7d&bots=only&type=PushEvent").page
    expect(figure(page, "events")).to_have_text("300")
    expect(page.locator("#chips")).to_contain_text("Pushes")
    expect(page.locator('input[value="7d"]')).to_be_checked()
    expect(page.locator('input[value="only"]')).to_be_checked()


def test_a_click_on_a_repository_shows_it_in_detail(visit: Visit, site: str) -> None:
    page = visit(site).page
    page.locator("#repositories").get_by_text("acme/rocket").click()
    expect(page).to_have_url(f"{site}/?repo=acme%2Frocket")
    expect_state(page, "ready", ("repository",))
    panel = page.locator("#repository")
    expect(panel.get_by_role("heading")).to_have_text("acme/rocket")
    # Five pull requests opened within 240 seconds are a minute apart.
    expect(panel).to_contain_text("Between pull requests1 min")
    expect(panel).to_contain_text("Median to merge2 h")
    assert panel.locator(".breakdown .bar-value").all_inner_texts() == ["1,200", "40"]
    expect(page.locator("#events .panel-scope")).to_have_text("not narrowed by repository")
    page.keyboard.press("Escape")
    page.get_by_label("Remove the filter Repository acme/rocket").click()
    expect(panel).to_be_hidden()


def test_an_organisation_can_be_typed_and_shows_its_active_users(visit: Visit, site: str) -> None:
    page = visit(site).page
    page.get_by_label("Repository or organisation").fill("acme")
    page.keyboard.press("Enter")
    expect_state(page, "ready", ("organization",))
    expect(page.locator("#organization .figure").first).to_contain_text("3")
    assert page.locator("#organization .bar-name").all_inner_texts() == [
        "wile", "roadrunner", "deploy[bot]",
    ]  # fmt: skip


def test_a_repository_never_seen_is_said_to_be_unknown(visit: Visit, site: str) -> None:
    seen = visit(f"{site}/?repo=no/such")
    expect_state(seen.page, "empty", ("repository",))
    expect(seen.page.locator("#repository .panel-message")).to_contain_text("no/such")
    expect_state(seen.page, "ready", ("events",))
    seen.forgive_status(404)


def test_an_empty_store_says_that_figures_will_come(visit: Visit, store: Any, web: Any) -> None:
    page = visit(web.start(store)).page
    expect_state(page, "empty", PANELS[1:])
    expect(page.locator("#events")).to_contain_text("No events yet.")
    expect(figure(page, "events")).to_have_text("0")


def test_a_range_before_all_events_offers_the_newest_ones(visit: Visit, site: str) -> None:
    page = visit(f"{site}/?from=2015-01-01T00:00:00Z&to=2015-01-02T00:00:00Z").page
    expect_state(page, "empty", ("events", "repositories"))
    expect(page.locator("#period")).to_have_text(
        "1 Jan 2015, 00:00 \N{EN DASH} 2 Jan 2015, 00:00 UTC"
    )
    page.get_by_role("button", name="Go to the newest events").click()
    expect(figure(page, "events")).to_have_text("1,600")


def test_a_store_that_fails_is_told_and_trying_again_helps(
    visit: Visit, filled: Any, web: Any
) -> None:
    address = web.start(filled)
    with sqlite3.connect(filled.path) as broken:
        broken.execute("ALTER TABLE event_counts RENAME TO away")
    seen = visit(address)
    expect_state(seen.page, "error", ("kpis", "events"))
    expect(seen.page.locator("#events .panel-message")).to_contain_text("The store cannot be read")
    expect_state(seen.page, "ready", ("repositories", "issues", "pipeline"))
    with sqlite3.connect(filled.path) as repaired:
        repaired.execute("ALTER TABLE away RENAME TO event_counts")
    seen.page.locator("#events").get_by_role("button", name="Try again").click()
    expect(figure(seen.page, "events")).to_have_text("1,600")
    seen.forgive_status(503)


def test_a_notice_is_shown_as_text(visit: Visit, filled: Any, web: Any) -> None:
    notice = "Recorded events: <b>GitHub</b> cannot be reached"
    page = visit(web.start(filled, notice=notice)).page
    expect_state(page, "ready")
    expect(page.locator("#notice")).to_have_text(notice)
    assert page.locator("#notice b").count() == 0


def test_names_from_data_never_become_markup(visit: Visit, filled: Any, web: Any) -> None:
    name = '<img src=x onerror="window.broken=1">'
    hour = int(time.time()) // 3600 * 3600
    filled.merge(
        {
            "repository_activity": [(hour, name, name, False, 9000)],
            "event_counts": [(hour, name, False, 9000)],
        },
        events=9000,
        newest=hour,
    )
    page = visit(web.start(filled)).page
    expect(page.locator("#repositories .bar-name").first).to_have_text(name)
    expect(page.locator("#events .breakdown .bar-name").first).to_have_text(name)
    page.locator("#events .chart").hover()
    assert page.locator("main img").count() == 0
    assert page.evaluate("window.broken") is None


def test_a_chart_is_also_a_table_and_a_csv_file(visit: Visit, site: str, tmp_path: Path) -> None:
    page = visit(site).page
    expect_state(page, "ready", ("events",))
    assert "1,600 in all" in (page.locator("#events .chart").get_attribute("aria-label") or "")
    page.get_by_label("Data of “Events over time”").click()
    page.locator("#events").get_by_text("View as table").click()
    headings = page.locator("#events thead th").all_inner_texts()
    assert headings == ["Time", "Pushes", "Stars", "Issues"]
    shown = [row.split("\t")[1:] for row in page.locator("#events tbody tr").all_inner_texts()]
    assert ["1,500", "60", "40"] in shown
    page.get_by_label("Data of “Events over time”").click()
    with page.expect_download() as download:
        page.locator("#events").get_by_text("Download CSV").click()
    download.value.save_as(tmp_path / "events.csv")
    with (tmp_path / "events.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == headings
    assert [row[1:] for row in rows if row[1] == "1500"] == [["1500", "60", "40"]]


def test_a_custom_range_is_typed_in_the_zone_shown(visit: Visit, site: str) -> None:
    page = visit(site, timezone_id="Asia/Tokyo").page
    page.get_by_text("Local", exact=True).click()
    page.get_by_role("button", name="Custom…").click()
    page.get_by_label("From").fill("2015-01-01T09:00")
    page.get_by_label("To", exact=True).fill("2015-01-02T09:00")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(f"{site}/?from=2015-01-01T00%3A00%3A00Z&to=2015-01-02T00%3A00%3A00Z")
    expect(page.locator("#period")).to_contain_text(
        "1 Jan 2015, 09:00 \N{EN DASH} 2 Jan 2015, 09:00 GMT+9"
    )


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_both_colour_schemes_follow_the_system_and_the_button_is_remembered(
    visit: Visit, site: str
) -> None:
    light = visit(site, color_scheme="light").page
    dark = visit(site, color_scheme="dark").page
    expect_state(dark, "ready")
    assert background(light) != background(dark)
    before = background(dark)
    dark.get_by_role("button", name="Dark colours").click()
    assert background(dark) == background(light)
    dark.reload()
    assert background(dark) == background(light) != before


@pytest.mark.parametrize("width", [360, 768, 1100])
def test_no_width_scrolls_sideways(visit: Visit, site: str, width: int) -> None:
    page = visit(f"{site}/?repo=acme/rocket", viewport={"width": width, "height": 800}).page
    expect_state(page, "ready", (*PANELS, "repository"))
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_first_tab_leads_to_the_figures_and_rows_work_by_keyboard(
    visit: Visit, site: str
) -> None:
    page = visit(site).page
    expect_state(page, "ready", ("repositories",))
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the figures")).to_be_focused()
    row = page.locator("#repositories button.bar-row").first
    row.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site}/?repo=acme%2Frocket")
    expect(row).to_be_focused()


def test_the_documentation_renders_every_operation(visit: Visit, site: str) -> None:
    page = visit(f"{site}/docs").page
    expect(page.get_by_text("/api/v1/event-counts")).to_be_visible()
    described = page.evaluate("fetch('openapi.json').then(r => r.json()).then(d => d.paths)")
    assert page.locator(".opblock").count() == len(described)
