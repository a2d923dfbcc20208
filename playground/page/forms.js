// What people have filled in, by view or message, block and action; survives every re-render.

export class Forms {
  #values = new Map();

  #key(owner, blockId, actionId) {
    return `${owner}\u0000${blockId}\u0000${actionId}`;
  }

  get(owner, blockId, actionId) {
    return this.#values.get(this.#key(owner, blockId, actionId));
  }

  set(owner, blockId, actionId, record) {
    this.#values.set(this.#key(owner, blockId, actionId), record);
  }

  /** {block_id: {action_id: {type, ...}}} for the inputs that `blocks` hold; untouched ones give their initial value. */
  collect(owner, blocks) {
    const values = {};
    for (const { blockId, element } of inputsOf(blocks)) {
      (values[blockId] ||= {})[element.action_id] = this.get(owner, blockId, element.action_id) || initial(element);
    }
    return values;
  }

  forget(owner) {
    for (const key of this.#values.keys()) if (key.startsWith(`${owner}\u0000`)) this.#values.delete(key);
  }
}

const STATELESS = new Set(["button", "overflow", "image", "workflow_button", "icon_button", "feedback_buttons", "mrkdwn", "plain_text"]);

export function inputsOf(blocks) {
  const out = [];
  (blocks || []).forEach((block, index) => {
    const blockId = block.block_id || `b${index}`;
    const elements = [block.element, block.accessory, ...(block.type === "actions" ? block.elements || [] : [])];
    for (const element of elements) if (element?.action_id && !STATELESS.has(element.type)) out.push({ blockId, element, block });
    for (const nested of [block.blocks, block.child_blocks].filter(Array.isArray)) out.push(...inputsOf(nested));
  });
  return out;
}

export function initial(e) {
  const type = e.type;
  switch (type) {
    case "plain_text_input": case "number_input": case "email_text_input": case "url_text_input": return { type, value: e.initial_value ?? null };
    case "rich_text_input": return { type, rich_text_value: e.initial_value ?? null };
    case "checkboxes": case "multi_static_select": case "multi_external_select": return { type, selected_options: e.initial_options || [] };
    case "multi_users_select": return { type, selected_users: e.initial_users || [] };
    case "multi_conversations_select": return { type, selected_conversations: e.initial_conversations || [] };
    case "multi_channels_select": return { type, selected_channels: e.initial_channels || [] };
    case "users_select": return { type, selected_user: e.initial_user ?? null };
    case "conversations_select": return { type, selected_conversation: e.initial_conversation ?? null };
    case "channels_select": return { type, selected_channel: e.initial_channel ?? null };
    case "datepicker": return { type, selected_date: e.initial_date ?? null };
    case "timepicker": return { type, selected_time: e.initial_time ?? null };
    case "datetimepicker": return { type, selected_date_time: e.initial_date_time ?? null };
    case "file_input": return { type, files: [] };
    default: return { type, selected_option: e.initial_option ?? null };
  }
}

export const isEmpty = (record) => Object.entries(record || {}).every(([key, value]) =>
  key === "type" || value === null || value === "" || (Array.isArray(value) && !value.length));

/** {block_id: sentence} for what the page can tell before it asks the app. */
export function problems(forms, owner, blocks) {
  const out = {};
  for (const { blockId, element, block } of inputsOf(blocks)) {
    if (block.type !== "input") continue;
    const record = forms.get(owner, blockId, element.action_id) || initial(element);
    const text = typeof record.value === "string" ? record.value : "";
    if (isEmpty(record)) { if (!block.optional) out[blockId] = "Please complete this required field."; }
    else if (element.min_length && text.length < element.min_length) out[blockId] = `Please write at least ${element.min_length} characters.`;
    else if (element.max_length && text.length > element.max_length) out[blockId] = `Please write at most ${element.max_length} characters.`;
    else if (element.type === "number_input" && !numberFits(element, text)) out[blockId] = "Please enter a number in range.";
    else if (element.type === "email_text_input" && !/^\S+@\S+\.\S+$/.test(text)) out[blockId] = "Please enter an email address.";
    else if (element.type === "url_text_input" && !/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(text)) out[blockId] = "Please enter a full web address.";
  }
  return out;
}

function numberFits(element, text) {
  const value = Number(text);
  return Number.isFinite(value) && (element.is_decimal_allowed || Number.isInteger(value))
    && (element.min_value === undefined || value >= Number(element.min_value)) && (element.max_value === undefined || value <= Number(element.max_value));
}
