// Run by mongosh in the Job's pod: ACTION is look, begin or end. The password is a file of a mounted Secret. The last
// line that it prints is for us.
const fs = require("fs");
const { ACTION, BACKUP, MONGODB_HOST, MONGODB_USER, MONGODB_DATABASE, PASSWORD_FILE } = process.env;
const MARK = "private_chatgpt_restore";

function uri() {
  const login = PASSWORD_FILE
    ? `${encodeURIComponent(MONGODB_USER)}:${encodeURIComponent(fs.readFileSync(PASSWORD_FILE, "utf8"))}@`
    : "";
  // As mongodump takes it: <replica set>/<host>,<host>, or one host.
  const [hosts, set] = MONGODB_HOST.split("/").reverse();
  return `mongodb://${login}${hosts}/admin?serverSelectionTimeoutMS=20000${set ? `&replicaSet=${set}` : ""}`;
}

try {
  const admin = connect(uri());
  const database = admin.getSiblingDB(MONGODB_DATABASE);
  if (ACTION === "begin") {
    database[MARK].deleteMany({});
    database[MARK].insertOne({ backup: BACKUP });
    // mongorestore --drop drops only what the archive holds. A view's or a time series' own collection goes with it.
    for (const name of database.getCollectionNames()) {
      if (name !== MARK && !name.startsWith("system.")) database.getCollection(name).drop();
    }
  }
  if (ACTION === "end") {
    // LibreChat indexes for its search what has no such flag; the index of another cluster is not here (api/db/
    // indexSync.js and config/reset-meili-sync.js of LibreChat, read 2026-11).
    for (const name of ["messages", "conversations"]) {
      database[name].updateMany({ _meiliIndex: true }, { $set: { _meiliIndex: false } });
    }
    database[MARK].drop();
  }
  const users = database.users.countDocuments({});
  const mark = database[MARK].findOne({});
  print(JSON.stringify({ users, unfinished: mark ? mark.backup : null }));
} catch (error) {
  print(JSON.stringify({ refused: error.message }));
  quit(1);
}
