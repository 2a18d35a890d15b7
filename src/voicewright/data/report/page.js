"use strict";
(() => {
  const data = JSON.parse(document.getElementById("rows").textContent);
  const rows = data.rows, names = data.columns, PAGE = 200;
  const body = document.querySelector("tbody"), count = document.getElementById("count");
  const find = document.getElementById("find"), show = document.getElementById("show"), more = document.getElementById("more");
  const player = new Audio();
  let sort = { column: -1, down: false }, found = rows, shown = 0, playing = null;

  const make = (name, text, kind) => {
    const node = document.createElement(name);
    if (text !== undefined) node.textContent = text;
    if (kind) node.className = kind;
    return node;
  };
  const reasons = (cell, list, kind) => list.forEach(text => cell.append(make("small", text, kind)));
  const stop = () => { if (playing) { playing.classList.remove("on"); playing.textContent = "▶"; playing = null; } };
  player.addEventListener("ended", stop);
  player.addEventListener("error", stop);

  const line = row => {
    const tr = make("tr"), play = make("a", "▶", "play"), first = make("td");
    play.href = row.a; play.setAttribute("aria-label", "play " + row.i);
    play.addEventListener("click", event => {
      event.preventDefault();
      const same = playing === play;
      player.pause(); stop();
      if (!same) { player.src = play.href; player.play(); playing = play; play.classList.add("on"); play.textContent = "■"; }
    });
    first.append(play);
    const id = make("td", row.i, "id"), text = make("td", row.t || "–", "text");
    if (data.speakers > 1) id.append(make("small", row.p, "quiet"));
    reasons(text, row.d, "drop"); reasons(text, row.f, "flag");
    tr.append(first, id, text);
    row.n.forEach((value, i) => {
      const cell = make("td", value === null ? "" : value.toFixed(names[i][1]), "n");
      cell.dataset.name = names[i][0];
      tr.append(cell);
    });
    return tr;
  };
  const next = () => {
    const part = document.createDocumentFragment();
    found.slice(shown, shown + PAGE).forEach(row => part.append(line(row)));
    shown = Math.min(found.length, shown + PAGE);
    body.append(part);
    more.hidden = shown >= found.length;
    count.textContent = found.length === rows.length ? rows.length + " utterances" : found.length + " of " + rows.length;
  };
  const key = row => sort.column === 0 ? row.i : sort.column === 1 ? row.t : row.n[sort.column - 2];
  const draw = () => {
    const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean), which = show.value;
    found = rows.filter(row =>
      (which === "" || (which === "kept" && !row.d.length) || (which === "dropped" && row.d.length) ||
       (which === "flagged" && row.f.length) ||
       (which.startsWith("=") && [...row.d, ...row.f].some(text => text.split(" (")[0] === which.slice(1)))) &&
      wanted.every(word => (row.i + " " + row.t + " " + row.p + " " + row.s + " " + row.d.join(" ") + " " + row.f.join(" "))
        .toLowerCase().includes(word)));
    if (sort.column >= 0) {
      const sign = sort.down ? -1 : 1;
      found = [...found].sort((a, b) => {
        const x = key(a), y = key(b);
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (typeof x === "string" ? x.localeCompare(y, undefined, { numeric: true }) : x - y);
      });
    }
    body.textContent = ""; shown = 0; next();
  };
  document.querySelectorAll("th button").forEach(button => button.addEventListener("click", () => {
    const column = Number(button.dataset.column);
    sort = { column, down: sort.column === column ? !sort.down : false };
    document.querySelectorAll("th").forEach(th => th.removeAttribute("aria-sort"));
    button.parentElement.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
    draw();
  }));
  find.addEventListener("input", draw);
  show.addEventListener("change", draw);
  more.addEventListener("click", next);
  draw();
})();
