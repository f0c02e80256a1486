// The one module that pages load; each part finds what it works on by its data attributes
// (templates/components/README.md lists them).
import "./shell.js";
import "./dialogs.js";
import "./toasts.js";
import "./answers.js";
import "./grid.js";
import "./live.js";
import "./upload.js";
