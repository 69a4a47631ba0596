// Opens the provider's own window and hands what it gives to the server. Nothing is stored in the browser.
"use strict";

(() => {
  const link = document.getElementById("link");
  const told = document.getElementById("told");
  const go = document.getElementById("go");
  const { attempt, kind, token, nonce, enrollment, environment, institution, back } = link.dataset;
  const formToken = document.querySelector('meta[name="form-token"]').content;

  const post = (what, body) => fetch(`/connect/${attempt}/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Form-Token": formToken },
    body: JSON.stringify(body || {}),
  });

  async function finish(proof) {
    told.textContent = "Connecting …";
    for (;;) {
      const answer = await post("finish", proof).catch(() => null);
      if (answer === null) { say("The connection was interrupted. Try again.", true); return; }
      const value = await answer.json().catch(() => ({}));
      if (answer.status === 202) {
        told.textContent = "Your bank is still at work …";
        await new Promise((resolve) => setTimeout(resolve, 1000 * (value.retry_after_s || 3)));
        continue;
      }
      if (answer.ok && value.next) { location.assign(value.next); return; }
      say(value.error ? value.error.message : "That did not work. Begin again.", true);
      return;
    }
  }

  function say(text, isBad) {
    told.textContent = text;
    told.className = isBad ? "note bad" : "note";
    if (go) go.hidden = true; // what the window was opened with is good once
  }

  function left() {
    say("Nothing was connected. Choose a bank to try again.", false);
    post("leave").catch(() => null);
  }

  function open() {
    told.className = "";
    if (kind === "plaid_link") {
      window.Plaid.create({
        token,
        receivedRedirectUri: back === "yes" ? location.href : undefined,
        onSuccess: (publicToken, metadata) => finish({
          public_token: publicToken || undefined,
          institution_name: metadata && metadata.institution ? metadata.institution.name : undefined,
        }),
        onExit: left,
      }).open();
    } else if (kind === "teller_connect") {
      window.TellerConnect.setup({
        applicationId: token,
        environment,
        nonce,
        institution: institution || undefined,
        enrollmentId: enrollment || undefined,
        products: ["transactions", "balance"],
        onSuccess: (given) => finish({
          access_token: given.accessToken,
          enrollment_id: given.enrollment.id,
          user_id: given.user.id,
          institution_name: given.enrollment.institution.name,
          signatures: (given.signatures || []).join(" "),
        }),
        onExit: left,
        onFailure: left,
      }).open();
    }
  }

  if (kind === "redirect") {
    if (back === "yes") finish({});
  } else {
    go.addEventListener("click", open);
    open();
  }
})();
