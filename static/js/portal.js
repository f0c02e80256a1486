// The one module that pages load; each part finds what it works on by its data attributes.
import "./shell.js";
import "./grid.js";
import "./live.js";
import "./upload.js";
