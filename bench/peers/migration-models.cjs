// Tables of 20 columns each, for bench/migrations.mjs: TABLES says how many, CHANGED=1 changes every tenth.
const tables = Number(process.env.TABLES);
const changed = process.env.CHANGED === "1";

module.exports = (sequelize, DataTypes) => {
  for (let i = 0; i < tables; i++) {
    const isChanged = changed && i % 10 === 0;
    const columns = {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      parent_id:
        i === 0 ? DataTypes.INTEGER : { type: DataTypes.INTEGER, references: { model: `t${i - 1}`, key: "id" } },
      name: { type: DataTypes.STRING(64), allowNull: false, unique: true },
      price: { type: DataTypes.DECIMAL(10, 2), allowNull: false, defaultValue: 0 },
      note: DataTypes.TEXT,
      born: DataTypes.DATE,
    };
    for (let c = 0; c < 14; c++) {
      columns[`c${c}`] =
        c % 3 === 0
          ? { type: DataTypes.STRING(isChanged && c === 0 ? 80 : 40), allowNull: c % 2 === 0 }
          : c % 3 === 1
            ? { type: DataTypes.INTEGER, allowNull: false, defaultValue: c }
            : { type: DataTypes.BIGINT };
    }
    if (isChanged) columns.added = DataTypes.STRING(20);
    const indexes = [{ name: `ix_t${i}_c0`, fields: ["c0"] }];
    if (isChanged) indexes.push({ name: `ix_t${i}_c2`, fields: ["c2"] });
    sequelize.define(`T${i}`, columns, { tableName: `t${i}`, timestamps: false, indexes });
  }
};
