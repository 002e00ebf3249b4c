// Passkeys, and forms that go on by themselves. The pages hold no script of their own.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (list) => (list || []).map((item) => ({ ...item, id: bytes(item.id) }));

  const put = (form, name, value) => { form.elements.namedItem(name).value = value; };

  async function get(form, options) {
    const key = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: listed(options.allowCredentials) } });
    put(form, "credential", text(key.rawId));
    put(form, "clientDataJSON", text(key.response.clientDataJSON));
    put(form, "authenticatorData", text(key.response.authenticatorData));
    put(form, "signature", text(key.response.signature));
    put(form, "userHandle", key.response.userHandle ? text(key.response.userHandle) : "");
  }

  async function create(form, options) {
    const key = await navigator.credentials.create({ publicKey: { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: listed(options.excludeCredentials) } });
    put(form, "credential", text(key.rawId));
    put(form, "clientDataJSON", text(key.response.clientDataJSON));
    put(form, "attestationObject", text(key.response.attestationObject));
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const said = form.querySelector("[role=status]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const options = JSON.parse(form.dataset.options);
      said.textContent = "Your browser asks for the key…";
      try {
        await (form.dataset.passkey === "create" ? create : get)(form, options);
        form.submit();
      } catch (error) {
        said.textContent = "It did not work: " + (error && error.message ? error.message : "the browser refused");
      }
    });
  }
  for (const form of document.querySelectorAll("form[data-auto]")) { form.submit(); }
})();
