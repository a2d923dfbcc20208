// The control API: one POST, one clear sentence when it says no.

import { toast } from "./toast.js";

const WORDS = {
  user_not_found: "That person does not exist in this workspace.",
  user_is_deactivated: "This person is deactivated and cannot act.",
  account_inactive: "This person is deactivated and cannot act.",
  channel_not_found: "That conversation does not exist.",
  not_in_channel: "This person is not a member of this conversation.",
  is_archived: "This conversation is archived.",
  no_text: "There is nothing to send.",
  msg_too_long: "The message is too long.",
  unknown_command: "The app has no such command.",
  command_not_found: "The app has no such command.",
  message_not_found: "That message is gone.",
  view_not_found: "That view is closed already.",
  action_not_found: "That control is no longer in the message.",
  cant_update_message: "Only your own messages can be edited.",
  cant_delete_message: "Only your own messages can be deleted.",
  not_connected: "The app is not connected, so nobody received this.",
  app_not_connected: "The app is not connected, so nobody received this.",
  no_connection: "The app is not connected, so nobody received this.",
  dispatch_failed: "The app is not connected, so nobody received this.",
  already_reacted: "This person has reacted like that already.",
  thread_not_found: "That thread is gone.",
  no_stop_button: "Nothing is running here that could be stopped.",
  interactivity_disabled: "The app has interactivity switched off, so its buttons do nothing.",
  unknown_shortcut: "The app has no such shortcut.",
  invalid_errors: "The app answered with errors for fields that are not in the form.",
  invalid_view: "The app answered with a view that cannot be shown.",
  push_limit_reached: "The app stacked more than three dialogs.",
  operation_timeout: "The app did not answer within three seconds.",
  timeout: "The app did not answer within three seconds.",
};

export const explain = (error) => {
  const text = typeof error === "string" ? error : JSON.stringify(error);
  return WORDS[text] || `It did not work: ${text.replace(/_/g, " ")}.`;
};

/** Posts an action. Failures become a toast and are returned as {ok: false, error}. */
export async function post(action, body = {}, { quiet = false } = {}) {
  let answer;
  try {
    const response = await fetch(`/playground/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    answer = await response.json();
  } catch {
    answer = { ok: false, error: "The playground does not answer. Is it still running?" };
  }
  if (!answer.ok && !answer.errors && !quiet) toast(explain(answer.error), { tone: "bad" });
  return answer;
}

export async function get(path) {
  const response = await fetch(`/playground/${path}`, { cache: "no-store" });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}
