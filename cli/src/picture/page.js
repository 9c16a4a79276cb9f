"use strict";
// Describes the block of a map, or the faults of a square, that is under the pointer or that the
// arrow keys have selected.
{
  const tip = document.getElementById("tip");

  const hex = (text) => BigInt("0x" + text);

  const size = (bytes) => {
    let number = Number(bytes);
    let unit = 0;
    for (; number >= 1024 && unit < 6; unit++) number /= 1024;
    return unit === 0 ? String(number) : number.toFixed(number < 99.95 ? 1 : 0) + "KMGTPE"[unit - 1];
  };

  const translation = (group) => group.transform.baseVal[0].matrix;

  const count = (number, noun) => `${number} ${noun}${Number(number) === 1 ? "" : "s"}`;

  const time = (nanoseconds) => {
    let number = Number(nanoseconds);
    let unit = 0;
    for (; number >= 1000 && unit < 3; unit++) number /= 1000;
    return `${Number(number.toPrecision(6))} ${["ns", "µs", "ms", "s"][unit]}`;
  };

  const mappingLine = ([from, to]) => `mapping ${from}–${to}, ${size(hex(to) - hex(from))}`;

  // Returns the runs of equal blocks of a band, or its squares. They are parsed on first use.
  const parts = (band) => {
    if (!band.parts) {
      band.cell = Number(band.dataset.cell);
      band.mappings = JSON.parse(band.dataset.mappings);
      band.parts = [...band.querySelectorAll(".run, .bin")].map((run) => ({
        x: translation(run).e, y: translation(run).f, count: Number(run.dataset.blocks || 1), run,
      }));
    }
    return band.parts;
  };

  // Returns the lines about a part of a band.
  const describe = (band, part, number) =>
    band.matches(".faults") ? describeFaults(band, part.run.dataset) : describeBlock(band, part, number);

  // Returns lines about the faults of a square: their kinds, times, threads, addresses and mappings.
  const describeFaults = (band, data) => {
    const faults = [[data.minor, "minor"], [data.major, "major"]].filter(([number]) => number !== "0");
    const [from, until] = data.ns.split(" ").map(time);
    const [lowest, highest] = data.at.split(" ");
    const threads = data.thread.split(" ");
    const spans = data.mapping === "" ? [] : data.mapping.split(" ");
    const lines = [
      faults.map(([number, kind]) => count(number, `${kind} fault`)).join(", "),
      (from === until ? from : `${from} to ${until}`) + " after the start, " + (data.threads
        ? `${data.threads} threads` : `thread${threads.length > 1 ? "s" : ""} ${threads.join(", ")}`),
      lowest === highest ? `address ${lowest}` : `addresses ${lowest}–${highest}`,
    ];
    for (const span of spans) {
      const [start, end, name] = band.mappings[span];
      lines.push(name, mappingLine([start, end]));
    }
    if (spans.length === 0) lines.push("no known mapping");
    if (data.spans) lines.push(`${data.spans} mappings in total`);
    return lines;
  };

  // Returns lines about a block: its states, addresses, permissions and mapping.
  const describeBlock = (band, part, number) => {
    const data = part.run.dataset;
    const block = BigInt(band.dataset.block);
    const at = hex(data.at);
    const start = number === 0 ? at : (at / block + BigInt(number)) * block;
    const last = hex(data.to);
    let end = (start / block + 1n) * block;
    if (end > last) end = last;
    let rest = end - start;
    // Every block of a run has the same states; the bytes that remain are absent.
    const states = [];
    const each = (data.each || "").split(" ");
    for (let index = 0; index + 1 < each.length; index += 2) {
      const legend = band.ownerSVGElement.querySelector(`.legend[data-kind="${each[index]}"]`);
      states.push(`${size(each[index + 1])} ${legend.dataset.label}`);
      rest -= BigInt(each[index + 1]);
    }
    if (rest > 0n) states.push(`${size(rest)} not in memory`);
    if (data.locked) states.push(`${size(data.locked)} locked`);
    const [from, to, permissions, name] = band.mappings[data.mapping];
    return [
      states.join(", "),
      `${start.toString(16)}–${end.toString(16)}, ${size(end - start)}`,
      `${permissions} ${name}`,
      mappingLine([from, to]),
    ];
  };

  for (const svg of document.querySelectorAll("svg")) {
    const bands = [...svg.querySelectorAll(".band, .faults")];
    if (bands.length === 0) continue;
    const cursor = document.createElementNS(svg.namespaceURI, "rect");
    cursor.setAttribute("class", "cursor");
    let selected = null;

    const hide = () => {
      tip.hidden = true;
      cursor.remove();
      selected = null;
    };

    const show = (band, part, number, point) => {
      if (selected && selected.part === part && selected.number === number && !point) return;
      selected = { band, part, number };
      for (const [name, value] of [
        ["x", part.x + number * band.cell], ["y", part.y], ["width", band.cell], ["height", band.cell],
      ]) cursor.setAttribute(name, value);
      band.append(cursor);
      tip.replaceChildren(...describe(band, part, number).map((text) => {
        const line = document.createElement("div");
        line.textContent = text;
        return line;
      }));
      tip.hidden = false;
      const box = cursor.getBoundingClientRect();
      const x = point ? point.x : box.right;
      const y = point ? point.y : box.bottom;
      const { offsetWidth: width, offsetHeight: height } = tip;
      const { clientWidth, clientHeight } = document.documentElement;
      tip.style.left = Math.max(0, Math.min(x + 12, clientWidth - width - 4)) + "px";
      tip.style.top = (y + 14 + height > clientHeight ? Math.max(0, y - height - 14) : y + 14) + "px";
    };

    const inRow = (band, part, x) => {
      const number = Math.floor((x - part.x) / band.cell);
      return number >= 0 && number < part.count ? number : -1;
    };

    svg.addEventListener("pointermove", (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      for (const band of bands) {
        const y = point.y - translation(band).f;
        if (y < 0 || y >= Number(band.dataset.height)) continue;
        for (const part of parts(band)) {
          if (y < part.y || y >= part.y + band.cell) continue;
          const number = inRow(band, part, point.x);
          if (number >= 0) {
            show(band, part, number, { x: event.clientX, y: event.clientY });
            return;
          }
        }
      }
      hide();
    });
    svg.addEventListener("pointerleave", hide);

    // Returns the block in the next row up or down: in the same column, or otherwise the last one.
    const otherRow = (band, part, number, down) => {
      const rows = band.parts.map((other) => other.y).filter((y) => (down ? y > part.y : y < part.y));
      if (rows.length === 0) return null;
      const y = down ? Math.min(...rows) : Math.max(...rows);
      const row = band.parts.filter((other) => other.y === y);
      const x = part.x + (number + 0.5) * band.cell;
      const found = row.find((other) => inRow(band, other, x) >= 0);
      const last = row[row.length - 1];
      return found ? [found, inRow(band, found, x)] : [last, last.count - 1];
    };

    const move = (key) => {
      const { band, part, number } = selected;
      const index = band.parts.indexOf(part);
      const last = band.parts[band.parts.length - 1];
      const { [index - 1]: before, [index + 1]: after } = band.parts;
      switch (key) {
        case "ArrowLeft": return number > 0 ? [part, number - 1] : before && [before, before.count - 1];
        case "ArrowRight": return number + 1 < part.count ? [part, number + 1] : after && [after, 0];
        case "ArrowUp": return otherRow(band, part, number, false);
        case "ArrowDown": return otherRow(band, part, number, true);
        case "Home": return [band.parts[0], 0];
        case "End": return [last, last.count - 1];
      }
    };

    for (const band of bands) {
      band.addEventListener("focus", () => {
        // Only after keyboard navigation: a click also sets the focus.
        if (band.matches(":focus-visible") && parts(band).length > 0) show(band, band.parts[0], 0);
      });
      band.addEventListener("blur", hide);
      band.addEventListener("keydown", (event) => {
        if (event.key === "Escape") hide();
        if (!/^(Arrow|Home$|End$)/.test(event.key) || parts(band).length === 0) return;
        event.preventDefault();
        const to = selected && selected.band === band ? move(event.key) : [band.parts[0], 0];
        if (to) show(band, ...to);
      });
    }
  }
}
