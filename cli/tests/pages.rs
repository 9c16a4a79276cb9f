//! HTML pages with pictures, in a browser.

#![cfg(target_os = "linux")]

use serde_json::{Value, json};

use testing::browser::evaluate;
use testing::command::{Started, output_of_copy, psapi, text};
use testing::{Program, programs};

/// Returns the page of a watch of `watched.c`, which touches 370 pages.
fn page_of_watch() -> String {
    let program = Program::compile(programs::WATCHED, &["-g"]);
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("page.html");
    let mut command = psapi();
    command.args(["watch", "--html"]).arg(&page).arg("--");
    let output = output_of_copy(command.arg(&program.path).arg("touch"));
    assert!(output.status.success(), "{output:?}");
    std::fs::read_to_string(page).unwrap()
}

/// Script functions for pages: the text of the description, and the class of an element's fill.
const FUNCTIONS: &str = "
    const tip = document.getElementById('tip');
    const lines = () => tip.hidden ? [] : [...tip.children].map((line) => line.textContent);
    const pointAt = (element) => {
        const box = element.getBoundingClientRect();
        const clientX = box.left + box.width / 2, clientY = box.top + box.height / 2;
        const event = new PointerEvent('pointermove', { clientX, clientY, bubbles: true });
        element.dispatchEvent(event);
        return lines();
    };
    const press = (element, key) => {
        element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
        return lines();
    };
";

/// Returns the result of a script that can use [`FUNCTIONS`].
fn run(page: &str, script: &str) -> Option<Value> {
    evaluate(page, &format!("{FUNCTIONS}{script}"))
}

/// Splits a CSS list of fonts, in which names can be quoted.
fn fonts(list: &Value) -> Vec<&str> {
    let list = list.as_str().unwrap();
    assert!(
        !list.starts_with('"') || list.matches('"').count() > 2,
        "{list}"
    );
    list.split(", ").collect()
}

#[test]
fn flame_graph_fills_its_frame() {
    let script = "
        const frame = document.querySelector('iframe');
        const inside = frame.contentDocument;
        const svg = inside.querySelector('svg');
        const style = (node) => getComputedStyle(node).fontFamily;
        const frames = [...inside.querySelectorAll('#frames > g rect')];
        return {
            frame: frame.getBoundingClientRect().width,
            svg: svg.getBoundingClientRect().width,
            widest: Math.max(...frames.map((frame) => frame.getBoundingClientRect().width)),
            scrolls: [inside.documentElement.scrollHeight > frame.clientHeight,
                inside.documentElement.scrollWidth > frame.clientWidth],
            fonts: [style(inside.querySelector('#frames text')),
                style(document.querySelector('svg text')), style(document.body)],
        };";
    let Some(found) = run(&page_of_watch(), script) else {
        return;
    };
    assert_eq!(found["frame"], 1024);
    assert_eq!(found["svg"], found["frame"], "{found}");
    // inferno leaves 10 pixels free on both sides.
    assert_eq!(found["widest"], 1004, "{found}");
    assert_eq!(found["scrolls"], json!([false, false]));
    for list in found["fonts"].as_array().unwrap() {
        let fonts = fonts(list);
        assert!(fonts.len() > 3, "{list}");
        assert!(fonts.contains(&"\"Liberation Sans\""), "{list}");
        assert_eq!(fonts.last(), Some(&"sans-serif"));
    }
}

#[test]
fn flame_graph_search_can_be_reset() {
    let script = "
        const inside = document.querySelector('iframe').contentWindow;
        const matched = inside.document.getElementById('matched');
        const marked = () => inside.document.querySelectorAll('rect[fill=\"rgb(230,0,230)\"]').length;
        inside.search('touch_many');
        const found = [marked() > 0, matched.textContent];
        inside.search_prompt();
        return [...found, marked(), matched.textContent];";
    let Some(found) = run(&page_of_watch(), script) else {
        return;
    };
    assert_eq!(found[0], true, "{found}");
    assert!(
        found[1].as_str().unwrap().starts_with("Matched: "),
        "{found}"
    );
    assert_eq!((&found[2], &found[3]), (&json!(0), &json!("")), "{found}");
}

#[test]
fn pointing_at_fault_describes_it() {
    let script = "
        const bands = [...document.querySelectorAll('.faults')];
        const band = bands.find((band) => band.dataset.name.includes('arranged'));
        const bins = [...band.querySelectorAll('.bin')];
        const all = bins.map((bin) => [pointAt(bin), bin.dataset.minor]);
        band.focus();
        const first = press(band, 'Home');
        const last = press(band, 'End');
        press(band, 'Escape');
        return { all, first, last, hidden: lines(), label: band.getAttribute('aria-label') };";
    let Some(found) = run(&page_of_watch(), script) else {
        return;
    };
    let all = found["all"].as_array().unwrap();
    let mut faults = 0;
    for bin in all {
        let lines: Vec<&str> = bin[0]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap())
            .collect();
        let [counts, when, addresses, name, mapping] = lines[..] else {
            panic!("{lines:?}");
        };
        let number: u64 = counts.split(' ').next().unwrap().parse().unwrap();
        assert!(
            counts.starts_with(&format!("{} minor fault", bin[1].as_str().unwrap())),
            "{counts}"
        );
        faults += number;
        assert!(when.contains(" after the start, thread "), "{when}");
        assert!(addresses.starts_with("address"), "{addresses}");
        assert_eq!(name, "/memfd:arranged");
        assert!(
            mapping.starts_with("mapping ") && mapping.ends_with(", 2.0M"),
            "{mapping}"
        );
    }
    assert_eq!(faults, 370);
    assert_eq!(found["first"], all[0][0]);
    assert_eq!(found["last"], all[all.len() - 1][0]);
    assert_eq!(found["hidden"], json!([]));
    assert!(
        found["label"]
            .as_str()
            .unwrap()
            .contains("/memfd:arranged: 370 faults"),
        "{found}"
    );
}

#[test]
fn labels_end_before_the_map() {
    let program = Program::compile(programs::PICTURE_HOSTILE_NAMES, &[]);
    let process = program.start();
    process.wait_for_sleep();
    let page = text(["ws", &process.id().to_string(), "--html", "-"]);
    // The default font of most systems is wider than Arimo.
    let script = "
        const style = document.createElement('style');
        style.textContent = 'svg text { font-family: sans-serif }';
        document.head.append(style);
        const end = (text) => text.getBBox().x + text.getBBox().width;
        const labels = [...document.querySelectorAll('.band > text')]
            .filter((text) => !text.hasAttribute('text-anchor'));
        const notes = [...document.querySelectorAll('svg > text')];
        const widest = (texts) => Math.max(...texts.map(end));
        return { labels: widest(labels), count: labels.length, notes: widest(notes) };";
    let Some(found) = run(&page, script) else {
        return;
    };
    assert!(found["count"].as_u64().unwrap() > 5, "{found}");
    // The map begins at 152 points, and the picture ends at 480.
    assert!(found["labels"].as_f64().unwrap() < 152.0, "{found}");
    assert!(found["notes"].as_f64().unwrap() < 480.0, "{found}");
}

#[test]
fn pointing_at_block_describes_it() {
    let child = Started::sleeping();
    let page = text(["ws", &child.pid(), "--html", "-"]);
    let script = "
        const stack = [...document.querySelectorAll('.band')]
            .find((band) => band.dataset.mappings.includes('[stack]'));
        const run = [...stack.querySelectorAll('.run')].find((run) => run.dataset.each);
        return [pointAt(run), run.dataset.each];";
    let Some(found) = run(&page, script) else {
        return;
    };
    let lines = found[0].as_array().unwrap();
    assert_eq!(lines.len(), 4, "{found}");
    assert!(found[1].as_str().unwrap().starts_with("private "));
    assert!(lines[0].as_str().unwrap().contains(" private"), "{found}");
    assert_eq!(lines[2], "rw-p [stack]");
}
