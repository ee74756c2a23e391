// The end of a test login: tells the settings page that opened this window.
import { settings } from "./view.js";

new BroadcastChannel("catalpa-test-login").postMessage({ type: "tested", id: settings.id });
