// Voices of another program: a checkpoint of so-vits-svc with its config.json becomes voices of the library.

import { post } from "./api.js";
import { field, h } from "./dom.js";
import { dropzone } from "./files.js";
import { t } from "./i18n.js";
import { button, during, place, toast } from "./parts.js";
import { progress } from "./progress.js";

/** `made` is called once the voices are in the library. */
export function takeover(signal, made) {
  const checkpoint = dropzone({
    label: t("takeover.checkpoint"),
    words: t("takeover.checkpointDrop"),
    accept: ".pth,.pt,.safetensors",
    kinds: ["checkpoint"],
    multiple: false,
    microphone: false,
  });
  const config = dropzone({
    label: t("takeover.config"),
    words: t("takeover.configDrop"),
    accept: ".json",
    kinds: ["text"],
    multiple: false,
    microphone: false,
  });
  const name = field(t("voices.name"), h("input", { maxlength: 64, autocomplete: "off" }), {
    help: t("takeover.nameHelp"),
  });
  const consent = field(t("voices.consent"), h("input", { maxlength: 500, placeholder: t("voices.consentExample") }));
  const wrong = place();
  const bar = progress();
  const act = (event) =>
    during(event.currentTarget, wrong, async () => {
      const [[weights], [settings]] = [checkpoint.uploads(), config.uploads()];
      if (!weights || !settings) throw new Error(t("takeover.both"));
      const wish = {
        upload: weights.id,
        config: settings.id,
        name: name.control.value.trim(),
        consent: consent.control.value.trim(),
      };
      const job = await bar.run(await post("voices/checkpoint", wish), () => {}, signal);
      for (const voice of job.result.voices) toast(t("voices.imported", { name: voice.name }));
      await made();
    });
  return h(
    "details",
    { class: "card", data: { role: "takeover" } },
    h("summary", {}, t("takeover.title")),
    h(
      "div",
      { class: "stack" },
      h("p", { class: "soft" }, t("takeover.lead")),
      h("div", { class: "grid" }, checkpoint, config),
      h("div", { class: "grid" }, name, consent),
      h("div", { class: "actions" }, button(t("takeover.go"), act)),
      wrong,
      bar,
    ),
  );
}
