DROP INDEX `clients_by_industry`;
