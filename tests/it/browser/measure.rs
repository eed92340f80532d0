//! The measuring script: it runs in the page and gives a sentence for everything that is cut, covered, too small or outside.

/// Rules: no element reaches out of the viewport or of its part of the page; nothing scrolls; no two texts overlap; every text is at least
/// 17 px, a hint at least 24 px and 4 vmin; a name is as large as 19 vmin and 88 vw allow, never under 6 vmin.
pub(super) const SCRIPT: &str = r"
const wide = innerWidth, high = innerHeight, vmin = Math.min(wide, high) / 100, vw = wide / 100;
const problems = [];
const named = (e) => (e.id ? '#' + e.id : e.tagName.toLowerCase() + '.' + e.className) + ' “' + e.textContent.trim().slice(0, 24) + '”';
const size = (e) => parseFloat(getComputedStyle(e).fontSize);
const round = (box) => [box.left, box.top, box.right, box.bottom].map(Math.round).join(',');
const within = (inner, outer) =>
  inner.left >= outer.left - 1 && inner.top >= outer.top - 1 && inner.right <= outer.right + 1 && inner.bottom <= outer.bottom + 1;
const root = document.documentElement;
if (root.scrollWidth > wide || root.scrollHeight > high) problems.push('the page scrolls: ' + root.scrollWidth + '×' + root.scrollHeight);
const foot = document.querySelector('footer').getBoundingClientRect();
if (foot.height > 0.1 * high || foot.bottom < high - 1) problems.push('the foot is not at the foot: ' + round(foot));
const texts = [];
for (const e of document.body.querySelectorAll('header *, #banners *, main *, footer *')) {
  const box = e.getBoundingClientRect();
  if (e.closest('svg') !== null && e.tagName !== 'svg') continue;
  if (box.width === 0 || box.height === 0) continue;
  if (!within(box, { left: 0, top: 0, right: wide, bottom: high })) problems.push(named(e) + ' is outside the screen: ' + round(box));
  if (e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1) problems.push(named(e) + ' is cut: ' + e.scrollWidth + ' in ' + e.clientWidth);
  const part = e.parentElement.closest('header, #banners, section, li, footer');
  if (part && !within(box, part.getBoundingClientRect())) problems.push(named(e) + ' leaves its part: ' + round(box) + ' of ' + round(part.getBoundingClientRect()));
  const own = Array.from(e.childNodes).filter((node) => node.nodeType === 3 && node.textContent.trim());
  if (own.length === 0 && e.tagName !== 'svg') continue;
  texts.push(e);
  if (own.length > 0 && size(e) < 16.9) problems.push(named(e) + ' is too small: ' + size(e));
  for (const node of own) {
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const line of range.getClientRects()) {
      if (line.left < box.left - 1 || line.right > box.right + 1) problems.push(named(e) + ' runs out of its box: ' + round(line) + ' of ' + round(box));
    }
  }
}
for (const [at, a] of texts.entries()) {
  for (const b of texts.slice(at + 1)) {
    if (a.contains(b) || b.contains(a)) continue;
    const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
    const across = Math.min(p.right, q.right) - Math.max(p.left, q.left), down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (across > 1 && down > 1) problems.push(named(a) + ' overlaps ' + named(b) + ' by ' + Math.round(across) + '×' + Math.round(down));
  }
}
for (const e of document.querySelectorAll('#hints p, .label, #prompt')) {
  if (e.getClientRects().length && size(e) < Math.max(24, 4 * vmin) - 0.1) problems.push(named(e) + ' is too small for a hint: ' + size(e));
}
const title = document.getElementById('title');
if (title.getClientRects().length) {
  const due = Math.max(6 * vmin, Math.min(19 * vmin, 88 * vw / Array.from(title.textContent).length));
  if (Math.abs(size(title) - due) > 0.5) problems.push(named(title) + ' has ' + size(title) + ' px, ' + due + ' are due');
}
const message = document.getElementById('message');
if (message.getClientRects().length && message.textContent && size(message) < 4 * vmin) problems.push(named(message) + ' is too small: ' + size(message));
return problems;
";
