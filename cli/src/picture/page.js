"use strict";
// What a map's blocks are: said of the one that is pointed at, or that the arrow keys lead to.
{
  const tip = document.getElementById("tip");

  const hex = (text) => BigInt("0x" + text);

  const size = (bytes) => {
    let number = Number(bytes);
    let unit = 0;
    for (; number >= 1024 && unit < 6; unit++) number /= 1024;
    return unit === 0 ? String(number) : number.toFixed(number < 99.95 ? 1 : 0) + "KMGTPE"[unit - 1];
  };

  const place = (group) => group.transform.baseVal[0].matrix;

  // The parts of a band: runs of blocks, and cuts.
  const parts = (band) => {
    if (!band.parts) {
      band.cell = Number(band.dataset.cell);
      band.mappings = JSON.parse(band.dataset.mappings);
      band.parts = [...band.querySelectorAll(".run")].map((run) => ({
        x: place(run).e, y: place(run).f, count: Number(run.dataset.blocks), run,
      }));
    }
    return band.parts;
  };

  // Address range of a block, and what is in it, as lines.
  const describe = (band, part, number) => {
    const data = part.run.dataset;
    const block = BigInt(band.dataset.block);
    const at = hex(data.at);
    const start = number === 0 ? at : (at / block + BigInt(number)) * block;
    const last = hex(data.to);
    let end = (start / block + 1n) * block;
    if (end > last) end = last;
    let rest = end - start;
    const states = [];
    const each = (data.each || "").split(" ");
    for (let index = 0; index + 1 < each.length; index += 2) {
      const legend = band.ownerSVGElement.querySelector(`.legend[data-kind="${each[index]}"]`);
      states.push(`${size(each[index + 1])} ${legend.dataset.words}`);
      rest -= BigInt(each[index + 1]);
    }
    if (rest > 0n) states.push(`${size(rest)} not in memory`);
    if (data.locked) states.push(`${size(data.locked)} locked`);
    const [from, to, permissions, name] = band.mappings[data.mapping];
    return [
      states.join(", "),
      `${start.toString(16)}–${end.toString(16)}, ${size(end - start)}`,
      `${permissions} ${name}`,
      `mapping ${from}–${to}, ${size(hex(to) - hex(from))}`,
    ];
  };

  for (const svg of document.querySelectorAll("svg")) {
    const bands = [...svg.querySelectorAll(".band")];
    if (bands.length === 0) continue;
    const cursor = document.createElementNS(svg.namespaceURI, "rect");
    cursor.setAttribute("class", "cursor");
    let here = null;

    const hide = () => {
      tip.hidden = true;
      cursor.remove();
      here = null;
    };

    const show = (band, part, number, point) => {
      if (here && here.part === part && here.number === number && !point) return;
      here = { band, part, number };
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
        const y = point.y - place(band).f;
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

    // Another row of the band, as near to the same column as it has blocks.
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

    const moved = (key) => {
      const { band, part, number } = here;
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
        // Not where a pointer has led to it.
        if (band.matches(":focus-visible") && parts(band).length > 0) show(band, band.parts[0], 0);
      });
      band.addEventListener("blur", hide);
      band.addEventListener("keydown", (event) => {
        if (event.key === "Escape") hide();
        if (!/^(Arrow|Home$|End$)/.test(event.key) || parts(band).length === 0) return;
        event.preventDefault();
        const to = here && here.band === band ? moved(event.key) : [band.parts[0], 0];
        if (to) show(band, ...to);
      });
    }
  }
}
