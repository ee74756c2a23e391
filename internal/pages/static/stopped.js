// The page of a failure that the server wrote.
import { Guard } from "./guard.js";
import { $, copyReference, countDown, settings } from "./view.js";

const guard = new Guard(sessionStorage);
history.replaceState(null, "", location.pathname); // without what the provider sent
guard.failed($("reference").textContent);
copyReference();
$("when").textContent = new Date($("when").dateTime).toLocaleTimeString();
countDown($("again"), settings.wait ?? 0);
$("again").addEventListener("click", () => guard.settled());
