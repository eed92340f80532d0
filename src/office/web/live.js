// Fetches the page again and puts its main part in place; without this script the page is whole and loads itself again.
"use strict";
const EVERY_MS = 3000;
const stale = document.querySelector(".stale");
async function refresh() {
  try {
    const answer = await fetch(location.pathname, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [fresh, shown] = [page.getElementById("live"), document.getElementById("live")];
    if (fresh && shown && fresh.innerHTML !== shown.innerHTML && String(getSelection()) === "") shown.replaceChildren(...fresh.childNodes);
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
  setTimeout(refresh, EVERY_MS);
}
setTimeout(refresh, EVERY_MS);
