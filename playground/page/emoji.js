// The shortcodes that operators and bots use most; others stay as text.

export const EMOJI = Object.fromEntries(`
+1 👍|thumbsup 👍|-1 👎|thumbsdown 👎|white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌|no_entry ⛔
no_entry_sign 🚫|warning ⚠️|rotating_light 🚨|fire 🔥|rocket 🚀|eyes 👀|tada 🎉|wave 👋|pray 🙏|clap 👏|raised_hands 🙌
ok_hand 👌|muscle 💪|point_right 👉|point_up ☝️|thinking_face 🤔|smile 😄|slightly_smiling_face 🙂|grinning 😀|joy 😂|sob 😭
scream 😱|sweat_smile 😅|heart ❤️|broken_heart 💔|star ⭐|sparkles ✨|bulb 💡|bug 🐛|wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️
gear ⚙️|lock 🔒|unlock 🔓|key 🔑|shield 🛡️|mag 🔍|memo 📝|clipboard 📋|page_facing_up 📄|scroll 📜|link 🔗|paperclip 📎
package 📦|truck 🚚|robot_face 🤖|hourglass ⌛|hourglass_flowing_sand ⏳|stopwatch ⏱️|alarm_clock ⏰|clock1 🕐|calendar 📅
chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|bar_chart 📊|bell 🔔|no_bell 🔕|mega 📣|speech_balloon 💬|email 📧
red_circle 🔴|large_red_circle 🔴|orange_circle 🟠|large_orange_circle 🟠|large_yellow_circle 🟡|yellow_circle 🟡
large_green_circle 🟢|green_circle 🟢|large_blue_circle 🔵|blue_circle 🔵|white_circle ⚪|black_circle ⚫|large_purple_circle 🟣
double_vertical_bar ⏸️|arrow_forward ▶️|black_square_for_stop ⏹️|leftwards_arrow_with_hook ↩️|arrow_right ➡️|arrow_up ⬆️
arrow_down ⬇️|arrows_counterclockwise 🔄|repeat 🔁|octagonal_sign 🛑|stop_sign 🛑|construction 🚧|question ❓|exclamation ❗
information_source ℹ️|moneybag 💰|dollar 💵|cloud ☁️|zap ⚡|boom 💥|recycle ♻️|seedling 🌱|test_tube 🧪|dart 🎯|checkered_flag 🏁
traffic_light 🚦|bust_in_silhouette 👤|busts_in_silhouette 👥|handshake 🤝|writing_hand ✍️|pencil2 ✏️|lower_left_ballpoint_pen 🖊️|100 💯
`.trim().split(/[|\n]/).map((pair) => pair.split(" ")));

/** Offered in the reaction picker. */
export const QUICK = ["+1", "white_check_mark", "eyes", "tada", "heart", "rocket", "thinking_face", "x"];

export const emoji = (name) => EMOJI[name] || `:${name}:`;
