// The page of `mascing console`: one question, two answers that arrive while they are written. Texts of models and files
// only ever become text nodes.
import { Connection, type Facts } from "./console_connection";
import { Talk } from "./console_talk";
import { el } from "./dom";

async function start(): Promise<void> {
  const connection = new Connection();
  let facts: Facts;
  try {
    facts = await connection.facts();
  } catch {
    document.body.append(
      el(
        "main",
        {},
        el("div", { class: "notice", role: "alert" }, el("p", {}, "The console cannot be reached. Start mascing console again and open the new address.")),
      ),
    );
    return;
  }
  const talk = new Talk(connection, facts);
  document.body.append(talk.header, talk.main);
  talk.watchServer();
}

void start();
