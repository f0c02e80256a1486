// The key of a password link stands behind its #, which browsers don't send: it goes into the form,
// and out of the address, so that it isn't kept in the history.
const code = document.getElementById("id_code");
const key = location.hash.slice(1);
if (code && key) {
  code.value = key;
  history.replaceState(null, "", location.pathname);
  document.getElementById("id_password")?.focus();
}
