// Run by mongosh in a Job of the database's own image. Passwords are files of a mounted Secret: none is in an argument,
// in the environment or in what is printed. Run twice it does the same as once: a run may have been killed half-way.
const fs = require("fs");
const read = (name) => fs.readFileSync(`/passwords/${name}`, "utf8");
const { hosts, options, root, user, database } = process.env;

function login(account, password, source) {
  const credentials = `${encodeURIComponent(account)}:${encodeURIComponent(password)}`;
  return connect(`mongodb://${credentials}@${hosts}/${source}?serverSelectionTimeoutMS=20000${options}`);
}

function asRoot() {
  for (const name of ["new-root", "old-root"]) {
    try {
      // Not returned at once: mongosh awaits what is assigned, but not what is returned, so nothing would be caught.
      const admin = login(root, read(name), "admin");
      return admin;
    } catch (error) {
      if (error.codeName !== "AuthenticationFailed" && error.code !== 18) throw error;
    }
  }
  throw new Error(`neither the old nor the new password lets ${root} in`);
}

try {
  const admin = asRoot();
  admin.getSiblingDB(database).changeUserPassword(user, read("new-user"));
  // Last: until here the old one is good for another run.
  admin.getSiblingDB("admin").changeUserPassword(root, read("new-root"));
  login(user, read("new-user"), database);
  login(root, read("new-root"), "admin");
  print("changed");
} catch (error) {
  print(`refused: ${error.message}`);
  quit(1);
}
