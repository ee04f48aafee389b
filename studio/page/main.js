// Puts the parts of the page together.

import { getBytes, getJson } from "./api.js";
import * as controls from "./controls.js";
import * as correct from "./correct.js";
import { edits } from "./drags.js";
import * as editControls from "./edit-controls.js";
import * as editKeys from "./edit-keys.js";
import * as facts from "./facts.js";
import * as lanes from "./lanes.js";
import * as mixPanel from "./mix-panel.js";
import * as mixer from "./mixer.js";
import * as overlay from "./overlay.js";
import * as people from "./people.js";
import * as pointer from "./pointer.js";
import * as session from "./session.js";
import * as settings from "./settings.js";
import * as status from "./status.js";
import * as takes from "./takes.js";
import * as theme from "./theme.js";
import * as transport from "./transport.js";
import { say } from "./messages.js";
import { on } from "./store.js";

theme.begin();
for (const part of [controls, editControls, correct, lanes, mixPanel, overlay, people, settings, status, takes, editKeys]) part.begin();
facts.begin("Kinescore studio");
pointer.begin(edits);
mixer.begin({
  mix: (take) => getBytes(`api/takes/${take.id}/wav`),
  stem: (take, part) => getBytes(`api/takes/${take.id}/stems/${encodeURIComponent(part)}.wav`),
  analysis: (take) => getJson(`api/takes/${take.id}/analysis`),
  failed: session.report,
});
on("clip", () => transport.show(["api/video"]));
transport.begin(() => {
  mixer.keepUp();
  lanes.tick();
  overlay.draw();
  controls.tick();
  mixPanel.tick();
});
session.begin().catch((error) => say(`The page could not be loaded: ${error.message}`, "error"));
