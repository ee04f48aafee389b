// Puts the parts of the page together.

import * as controls from "./controls.js";
import * as correct from "./correct.js";
import * as keys from "./keys.js";
import * as lanes from "./lanes.js";
import * as mixPanel from "./mix-panel.js";
import * as mixer from "./mixer.js";
import * as overlay from "./overlay.js";
import * as pointer from "./pointer.js";
import * as session from "./session.js";
import * as settings from "./settings.js";
import * as status from "./status.js";
import * as takes from "./takes.js";
import * as theme from "./theme.js";
import * as transport from "./transport.js";
import { say } from "./messages.js";

theme.begin();
for (const part of [controls, correct, lanes, mixPanel, mixer, overlay, pointer, settings, status, takes, keys]) part.begin();
transport.begin(() => {
  mixer.keepUp();
  lanes.tick();
  overlay.draw();
  controls.tick();
  mixPanel.tick();
});
session.begin().catch((error) => say(`The page could not be loaded: ${error.message}`, "error"));
